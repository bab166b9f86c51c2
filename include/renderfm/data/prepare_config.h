// What a data set is made of. Every default stands here; YAML may only override.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "renderfm/core/config_node.h"
#include "renderfm/data/scan_source.h"

namespace renderfm::data {

/// One entry of `scans:`.
struct ScanEntry {
  enum class Kind { kFile, kPhantoms, kTotalSegmentator, kCtOrg, kNnUnet } kind = Kind::kFile;
  std::filesystem::path path;            ///< scan, or root of the data set
  SceneOptions files;                    ///< of kFile: labels and how to read
  int phantoms = 0;                      ///< how many
  std::uint64_t first_seed = 1;          ///< of the phantoms
  bool population = true;                ///< patients of a population; false: one healthy man, varied
  bool contrast = true;                  ///< phantoms with contrast agent
  std::string split;                     ///< for scans whose data set does not say; "" draws (below)
  std::vector<std::string> keep_splits;  ///< of a data set; empty keeps all
  int limit = 0;                         ///< at most so many scans of each split; 0 for all
  std::optional<SceneWish> scenes;       ///< instead of those of the config
  std::optional<ViewCounts> views;       ///< likewise
};

struct LookWish {
  std::vector<std::string> presets;        ///< transfer functions for every scan: presets, "auto" or files
  std::vector<std::string> organs{"all"};  ///< every preset is shown with each; as --organs takes them
  int random = 0;                          ///< random seen ones for every scan
  int unseen = 0;                          ///< random unseen ones for validation and test scans
  double organ_subsets = 0;                ///< share of the random looks that show only some organs
};

struct ViewWish {
  ViewCounts count;      ///< a case
  double close_ups = 0;  ///< share of them, training and test views alike
  double zoom = 3;       ///< of a close-up, at most: so many times nearer than a view of the whole
  int width = 512, height = 512;
  int samples = 64;              ///< per pixel of training views
  int test_samples = 1024;       ///< of test views, which are never denoised
  std::string denoise = "auto";  ///< "auto", "on" or "off"; training views only
  bool maps = false;             ///< alpha and depth of every view, too
};

struct PrepareConfig {
  std::uint64_t seed = 1;
  std::vector<ScanEntry> scans;
  double validation_share = 0, test_share = 0;  ///< of the scans whose split nobody says
  double label_dropout = 0;  ///< share of the training scans whose labels are estimated as if none were given
  SceneWish scenes;
  LookWish looks;
  ViewWish views;
  std::string light = "uniform";
  double exposure = 1;
  int points = 100000;  ///< at most so many in points3d.ply
};

/// Throws kBadInput naming file, line and key; an unknown key names the nearest. Relative paths of scans
/// start at `scans_folder`, all others at the working folder.
PrepareConfig prepare_config(const ConfigNode& yaml, const std::filesystem::path& scans_folder = {});
/// Throws kBadInput naming the value that cannot be.
void check_prepare_config(const PrepareConfig& config);
/// Every value; prepare_config reads it back equal.
std::string to_yaml(const PrepareConfig& config);

/// The scans of the config, ids unique, every one with a split.
std::vector<ScanSource> list_scans(const PrepareConfig& config);

}  // namespace renderfm::data
