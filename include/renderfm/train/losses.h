// What training minimises: lambda_l1 * L1 + lambda_ssim * (1 - SSIM) over pictures.
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

}  // namespace renderfm::train
