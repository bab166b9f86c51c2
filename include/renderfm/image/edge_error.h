// Errors that a mean over all pixels hides: of edges, and of the patient without the background.
#pragma once

#include <torch/types.h>

namespace renderfm {

/// Gradient magnitude [H, W] of the luma (Rec. 709) of `srgb` [3, H, W]: Sobel, normalised so that a step of
/// 1 along an axis has a magnitude of 1/sqrt(2), the border mirrored. As scikit-image's filters.sobel.
torch::Tensor edge_strength(const torch::Tensor& srgb);

/// Mean |edge strength of a - edge strength of b|: blurred and displaced edges both count.
double edge_error(const torch::Tensor& a, const torch::Tensor& b);

/// Pixels [H, W] bool of a target that show anything: one channel reaches half an 8-bit step.
torch::Tensor foreground_pixels(const torch::Tensor& target);

/// PSNR in dB over the pixels where `mask` [H, W] bool is true; NaN where there are none.
double masked_psnr(const torch::Tensor& image, const torch::Tensor& target, const torch::Tensor& mask);

/// PSNR in dB over the foreground pixels of `target` alone; a black background flatters the plain one. NaN
/// where the target is black.
double foreground_psnr(const torch::Tensor& image, const torch::Tensor& target);

}  // namespace renderfm
