// What a network's output does to the channels it starts from: the one step between U-Net and Gaussians.
#pragma once

#include <torch/types.h>

namespace renderfm {

/// start and residual [N, 37] raw channels -> [N, 37], differentiable on any device: their sum, but that the
/// diagonal of C stays above `least_sigma_voxels` (which the start must exceed; 0 for no limit):
/// C = sqrt(least^2 + (C_start^2 - least^2) exp(2 residual)), C_start where the residual is 0. Gaussians much
/// smaller than their distance fit pictures of few pixels best, but show it as a lattice in large ones (the
/// smoothing filter of Mip-Splatting, Yu et al. 2024, in the network's own parameters).
torch::Tensor corrected(const torch::Tensor& start, const torch::Tensor& residual, double least_sigma_voxels);

}  // namespace renderfm
