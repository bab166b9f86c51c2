// Pictures with the cameras that took them, as per-scan optimisation and evaluation read them: any folder in
// the NeRF convention, our case folders included.
#pragma once

#include <torch/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "renderfm/view/camera.h"

namespace renderfm {

struct PosedView {
  Camera camera;
  torch::Tensor srgb;  ///< [3, H, W] on black
  std::string name;
};

/// Views to learn from, and views kept apart by which the result is judged.
struct ViewSplit {
  std::vector<PosedView> train, held_out;
  bool test_views_given = false;  ///< else `held_out` was split off
};

/// Every frame of a transforms.json with its picture. A picture with an alpha channel is laid on black, and
/// says so. Throws kBadInput naming the frame: a picture that is missing, or of another size than its camera
/// or the first one's.
std::vector<PosedView> read_posed_views(const std::filesystem::path& transforms_json);

/// Of a folder: transforms_train.json (else transforms.json) and transforms_test.json where there is one; or
/// of a .json file itself. Throws kBadInput where there are no cameras.
ViewSplit read_view_split(const std::filesystem::path& folder_or_json);

/// Sets apart every fifth view, at least one; of a single view nothing can be, and it stands on both sides.
ViewSplit split_views(std::vector<PosedView> views);

}  // namespace renderfm
