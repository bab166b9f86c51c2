// A trained network with the plan it was trained by: what a predictor needs of a checkpoint.
#pragma once

#include <torch/types.h>

#include <filesystem>
#include <string>

#include "renderfm/model/checkpoint.h"
#include "renderfm/nn/tiled_inference.h"
#include "renderfm/nn/unet3d.h"

namespace renderfm {

class Network {
 public:
  /// Throws kBadInput where the file is no checkpoint of ours.
  static Network load(const std::filesystem::path& path, torch::Device device);

  Network(Plan plan, UNet3d unet);

  const Plan& plan() const { return plan_; }
  /// The name of the plan and, where the network came from a file, the beginning of that file's SHA-256:
  /// "small-1 (sha256 0123456789ab)". What Gaussian files and reports say.
  const std::string& label() const { return label_; }

  /// What to add to the primed raw channels of each foreground voxel. `fill` provides the six input channels
  /// (HU divided by plan().hu_scale first) box by box; foreground [N] int64 are distinct flat voxel indices,
  /// x fastest.
  /// -> [N, 37] float32 in CPU memory.
  torch::Tensor residual(const IndexZyx& shape_zyx, const FillTile& fill,
                         const torch::Tensor& foreground) const;

  /// The same from all input channels at once, [6, D, H, W] float32.
  torch::Tensor residual(const torch::Tensor& input, const torch::Tensor& foreground) const;

 private:
  Plan plan_;
  UNet3d unet_;
  std::string label_;
};

}  // namespace renderfm
