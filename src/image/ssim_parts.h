// SSIM and its derivatives with respect to the windowed moments of the image: what both passes are made of.
#pragma once

#include <torch/types.h>

#include <array>
#include <cmath>

namespace renderfm::ssim_parts {

inline constexpr int kRadius = 5;
inline constexpr double kSigma = 1.5;
inline constexpr double kC1 = 0.01 * 0.01, kC2 = 0.03 * 0.03;

/// Half of the symmetric window: weight[0] at the centre, weight[kRadius] at the edge.
template <class S>
std::array<S, kRadius + 1> window() {
  std::array<double, kRadius + 1> weight{};
  double sum = 0;
  for (int k = 0; k <= kRadius; ++k) {
    weight[k] = std::exp(-k * k / (2 * kSigma * kSigma));
    sum += k == 0 ? weight[k] : 2 * weight[k];
  }
  std::array<S, kRadius + 1> result{};
  for (int k = 0; k <= kRadius; ++k) result[k] = static_cast<S>(weight[k] / sum);
  return result;
}

/// Similarity at one place, and its derivatives with respect to the moments of x: G*x, G*x² and G*(x y).
template <class T>
struct Similarity {
  T value, v_mean, v_square, v_product;
};

template <class T>
struct Constants {
  T one, c1, c2;
};

/// From the windowed means of x, y, x², y² and x y. T is a number or a tensor.
template <class T>
Similarity<T> similarity(const T& mean_x, const T& mean_y, const T& square_x, const T& square_y,
                         const T& product, const Constants<T>& constants) {
  const auto& [one, c1, c2] = constants;
  const T luminance = mean_x * mean_y * 2 + c1;
  const T structure = (product - mean_x * mean_y) * 2 + c2;
  const T inverse_means = one / (mean_x * mean_x + mean_y * mean_y + c1);
  const T inverse_variances = one / (square_x - mean_x * mean_x + square_y - mean_y * mean_y + c2);
  const T inverse = inverse_means * inverse_variances;
  const T value = luminance * structure * inverse;
  const T v_product = luminance * inverse * 2;
  const T v_square = value * inverse_variances * -1;
  // The variance and the covariance contain the mean, too.
  const T v_mean = mean_y * structure * inverse * 2 - mean_x * value * inverse_means * 2 -
                   mean_y * v_product - mean_x * v_square * 2;
  return {value, v_mean, v_square, v_product};
}

/// Mean similarity [V] of images [V, C, H, W]; with `derivatives`, maps of v_mean, v_square, v_product
/// [3, V, C, H, W], else undefined.
struct Result {
  torch::Tensor mean, derivatives;
};

/// Threads and fixed bands of rows; CPU tensors.
Result forward_cpu(const torch::Tensor& image, const torch::Tensor& target, bool derivatives);
/// dL/d image for dL/d mean [V].
torch::Tensor backward_cpu(const torch::Tensor& image, const torch::Tensor& target,
                           const torch::Tensor& derivatives, const torch::Tensor& v_mean);

/// The same in tensor operations, for any device. No convolution: cuDNN would round to TF32.
Result forward_tensor(const torch::Tensor& image, const torch::Tensor& target, bool derivatives);
torch::Tensor backward_tensor(const torch::Tensor& image, const torch::Tensor& target,
                              const torch::Tensor& derivatives, const torch::Tensor& v_mean);

}  // namespace renderfm::ssim_parts
