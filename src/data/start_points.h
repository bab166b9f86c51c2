// points3d.ply: where outside 3DGS trainers start.
#pragma once

#include <filesystem>
#include <vector>

#include "renderfm/data/case.h"

namespace renderfm::data {

/// x y z nx ny nz (float), red green blue (uchar), binary little endian: the fields that 3DGS trainers read.
/// Atomic.
void write_start_points(const std::vector<StartPoint>& points, const std::filesystem::path& path);
/// Reads what write_start_points wrote. Throws kBadInput for any other layout, a truncated file or a NaN.
std::vector<StartPoint> read_start_points(const std::filesystem::path& path);

}  // namespace renderfm::data
