// Structural similarity: the one definition, for the loss and for every report.
#pragma once

#include <torch/types.h>

namespace renderfm {

/// SSIM (Wang et al. 2004) as 3DGS computes it: a Gaussian window of 11x11 pixels with sigma 1.5, separable;
/// outside the image lie zeros; mean over all channels and pixels. image, target [V, C, H, W] float32 or
/// float64, values in [0, 1] -> [V]. Differentiable in `image`; the target is a constant. Equal bits on a CPU
/// for any number of threads.
torch::Tensor ssim(const torch::Tensor& image, const torch::Tensor& target);

}  // namespace renderfm
