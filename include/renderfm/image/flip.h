// FLIP: the difference that a viewer sees when two pictures alternate on a screen (Andersson et al. 2020,
// https://doi.org/10.1145/3406183), for display-referred pictures (LDR). Needs no trained weights.
#pragma once

#include <torch/types.h>

namespace renderfm {

/// Of a 0.7 m wide screen of 3840 pixels seen from 0.7 m, the default of the authors' programs.
inline constexpr double kFlipPixelsPerDegree = 67.020643;

/// Error of every pixel in [0, 1], [H, W], of two sRGB pictures [3, H, W] in [0, 1]. The mean over the
/// pixels is what is reported: 0 equal, 1 as different as can be.
torch::Tensor flip_map(const torch::Tensor& reference, const torch::Tensor& test,
                       double pixels_per_degree = kFlipPixelsPerDegree);

double flip(const torch::Tensor& reference, const torch::Tensor& test);

}  // namespace renderfm
