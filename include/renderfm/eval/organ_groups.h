// Which organs a pixel shows, by the scan that the pictures were traced from and not by any method: errors
// are reported for each group of organs.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "renderfm/volume/volume.h"

namespace renderfm {

/// "skeleton", "vessels", "heart", "lungs", "abdomen", "muscles", "body", "other": a partition.
const std::vector<std::string>& organ_group_names();

/// 1 + the index of each label's group; labels without a name, and 0, are "other".
std::array<std::uint8_t, 256> organ_group_of_label(const LabelVolume& labels);

/// What the report calls the PSNR over a group's pixels, "PSNR skeleton", and whether a metric is one.
std::string organ_group_metric(const std::string& group);
bool is_organ_group_metric(const std::string& metric);

}  // namespace renderfm
