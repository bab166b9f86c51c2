// Structural similarity over windows that lie wholly inside the image: at one scale, as scikit-image reports
// it, and over five (MS-SSIM, Wang et al. 2003).
#pragma once

#include <torch/types.h>

namespace renderfm {

/// Least side of an image whose five halvings all hold a window.
inline constexpr int kMsSsimMinSide = 176;

/// Mean SSIM of two pictures [C, H, W] in [0, 1], windows as in ssim.h; sides of at least 11.
double ssim_valid(const torch::Tensor& a, const torch::Tensor& b);

/// MS-SSIM of two pictures [C, H, W] in [0, 1] with sides of at least kMsSsimMinSide; negative terms count
/// as 0. Mean over the channels.
double ms_ssim(const torch::Tensor& a, const torch::Tensor& b);

}  // namespace renderfm
