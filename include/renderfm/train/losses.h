// What training minimises: lambda_l1 * L1 + lambda_ssim * (1 - SSIM) over pictures and, where it is asked
// for, lambda_alpha * L1(alpha) + lambda_depth * L1(depth) over maps.
#pragma once

#include <torch/types.h>

#include "renderfm/image/ssim.h"
#include "renderfm/train/config.h"

namespace renderfm::train {

struct ImageLoss {
  torch::Tensor total, l1, ssim;  ///< scalars; `total` is differentiable
};

/// rgb, target [V, 3, H, W] in [0, 1], mean over all views.
inline ImageLoss image_loss(const torch::Tensor& rgb, const torch::Tensor& target,
                            const LossConfig& weights) {
  const torch::Tensor l1 = (rgb - target).abs().mean();
  torch::Tensor total = l1 * weights.l1;
  torch::Tensor similarity;
  if (weights.ssim > 0) {
    similarity = ssim(rgb, target).mean();
    total = total + (1 - similarity) * weights.ssim;
  } else {
    similarity = ssim(rgb.detach(), target).mean();
  }
  return {total, l1.detach(), similarity.detach()};
}

struct MapLoss {
  torch::Tensor total, alpha, depth;  ///< scalars; `total` is differentiable
};

/// All [V, H, W], mean over all pixels. `alpha` and `depth_mm` are the rasterizer's, the latter undivided:
/// sum w z; `target_alpha` is encoded as sRGB; `target_depth_mm` is a mean distance, 0 where there is
/// nothing. The depth term is |sum w z - alpha z_target| / radius = alpha |z - z_target| / radius with z the
/// mean drawn depth: it stays finite where nothing is drawn, and leaves alpha's own error, which at z of four
/// radii would drown it, to the alpha term. Pixels without a target count as 0.
inline MapLoss map_loss(const torch::Tensor& alpha, const torch::Tensor& depth_mm,
                        const torch::Tensor& target_alpha, const torch::Tensor& target_depth_mm,
                        double radius_mm, const LossConfig& weights) {
  const torch::Tensor alpha_error = (alpha - target_alpha).abs().mean();
  const torch::Tensor off_mm = (depth_mm - alpha * target_depth_mm) * (target_depth_mm > 0);
  const torch::Tensor depth_error = off_mm.abs().mean() / radius_mm;
  return {alpha_error * weights.alpha + depth_error * weights.depth, alpha_error.detach(),
          depth_error.detach()};
}

}  // namespace renderfm::train
