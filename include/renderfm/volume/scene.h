// From what a user names (files, a transfer function, organs) to volumes on the network grid: the one way in
// for every program that starts from a CT.
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "renderfm/volume/image_io.h"
#include "renderfm/volume/resample.h"
#include "renderfm/volume/transfer_function.h"
#include "renderfm/volume/volume.h"

namespace renderfm {

struct SceneOptions {
  std::filesystem::path ct;
  std::filesystem::path labels;                     ///< empty: tissues are estimated
  std::string label_version;                        ///< "v1", "v2", or "" to recognise it
  std::map<std::uint8_t, std::string> label_names;  ///< of a data set whose label files hold bare numbers
  TargetSpacing spacing;
  ReadOptions read;
};

/// One scan on the network grid.
struct Scene {
  CtVolume ct;
  LabelVolume labels;  ///< every voxel of the body has one: given, or estimated
  ScanReport report;
};

/// Reads, repairs, resamples and labels. Throws kBadInput with one sentence.
Scene load_scene(const SceneOptions& options);

/// The preset that fits the scan; says which.
TransferFunction fitting_transfer_function(const Scene& scene);

/// "1.5", "native" or "auto". Throws kBadInput.
TargetSpacing parse_spacing(const std::string& text);

}  // namespace renderfm
