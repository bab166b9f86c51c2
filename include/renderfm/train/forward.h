// From a sample to the pictures that the network's Gaussians give, differentiable in its weights.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "renderfm/gaussian/gaussian_set.h"
#include "renderfm/nn/unet3d.h"
#include "renderfm/raster/rasterize.h"
#include "renderfm/train/training_sample.h"

namespace renderfm::train {

struct ForwardOptions {
  bool bf16 = false;  ///< the network's convolutions; all else is float32
  bool view_dependent =
      true;  ///< false: the output of every channel that depends on the direction is dropped
  double least_sigma_voxels = 0;  ///< of the plan
};

/// Gaussians from raw channels [N, 37], differentiable: layout::activate in tensor operations, so that it
/// runs on any device. position_mm [N, 3].
GaussianSet activate_rows(const torch::Tensor& raw, const torch::Tensor& position_mm, Vec3d spacing_xyz_mm);

/// The start of the sample's voxels, corrected() by the network's output: [N, 37] float32.
torch::Tensor predict_raw(const UNet3d& network, const TrainingSample& sample, const ForwardOptions& options);

/// The sample's Gaussians as `raw` has them, on the device of `raw`.
raster::RenderOutput draw_all(const torch::Tensor& raw, const TrainingSample& sample,
                              const std::vector<Camera>& cameras);
/// Its rgb, [V, 3, H, W].
torch::Tensor draw(const torch::Tensor& raw, const TrainingSample& sample,
                   const std::vector<Camera>& cameras);

/// Bytes that one sample's forward and backward pass takes at its height: weights, their gradients, optimizer
/// and average included.
std::int64_t predicted_bytes(const UNet3dConfig& network, const std::array<std::int64_t, 3>& sides_zyx,
                             bool bf16);

}  // namespace renderfm::train
