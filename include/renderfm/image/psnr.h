// Peak signal-to-noise ratio: the one definition, for logs and reports.
#pragma once

#include <torch/types.h>

namespace renderfm {

/// -10 log10 of the mean squared error over all channels and pixels of each image, peak 1, as in 3DGS:
/// image, target [V, C, H, W] -> [V] float64, in dB; infinite for equal images. Values are taken as they
/// are: whoever compares what a display would show clamps or rounds first.
torch::Tensor psnr_db(const torch::Tensor& image, const torch::Tensor& target);

}  // namespace renderfm
