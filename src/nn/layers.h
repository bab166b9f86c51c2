// Layers of the U-Net with gradients, written for channels-last maps on a CPU, where oneDNN needs no
// reordering.
#pragma once

#include <torch/types.h>

namespace renderfm::nn {

/// Instance norm and leaky ReLU in one: x [B, C, D, H, W] float32, channels last; weight and bias [C] -> the
/// same shape. Differentiable in all three; the same bits for any number of threads.
torch::Tensor norm_leaky_relu(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias);

/// x [1, C, D, H, W] at voxels [n] int64 (flat, x fastest) -> [n, C], on any device. Differentiable in x.
torch::Tensor rows_at(const torch::Tensor& x, const torch::Tensor& voxels);

}  // namespace renderfm::nn
