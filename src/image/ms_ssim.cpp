#include "renderfm/image/ms_ssim.h"

#include <torch/nn/functional/conv.h>
#include <torch/nn/functional/pooling.h>

#include <array>
#include <cmath>
#include <cstdlib>

#include "image/ssim_parts.h"
#include "renderfm/core/check.h"
#include "renderfm/tensor/check_tensor.h"

namespace renderfm {
namespace {

namespace F = torch::nn::functional;

using ssim_parts::kC1;
using ssim_parts::kC2;
constexpr int kWindow = 2 * ssim_parts::kRadius + 1;
constexpr std::array<double, 5> kScaleWeights{0.0448, 0.2856, 0.3001, 0.2363, 0.1333};

torch::Tensor windowed(const torch::Tensor& images) {  // [N, 1, H, W]
  const auto half = ssim_parts::window<double>();
  torch::Tensor weights = torch::empty({kWindow}, torch::kFloat64);
  for (int k = 0; k < kWindow; ++k) weights[k] = half[static_cast<std::size_t>(std::abs(k - kWindow / 2))];
  return F::conv2d(F::conv2d(images, weights.view({1, 1, 1, -1})), weights.view({1, 1, -1, 1}));
}

struct Means {
  torch::Tensor ssim, contrast;  // [C]: luminance x contrast x structure, and the latter two alone
};

Means valid_means(const torch::Tensor& a, const torch::Tensor& b) {  // [C, 1, H, W]
  const torch::Tensor mean_a = windowed(a), mean_b = windowed(b);
  const torch::Tensor variances = windowed(a * a) - mean_a * mean_a + windowed(b * b) - mean_b * mean_b;
  const torch::Tensor covariance = windowed(a * b) - mean_a * mean_b;
  const torch::Tensor contrast = (2 * covariance + kC2) / (variances + kC2);
  const torch::Tensor luminance = (2 * mean_a * mean_b + kC1) / (mean_a * mean_a + mean_b * mean_b + kC1);
  return {(luminance * contrast).mean({1, 2, 3}), contrast.mean({1, 2, 3})};
}

torch::Tensor channels(const torch::Tensor& image) {
  return image.to(torch::kCPU, torch::kFloat64).unsqueeze(1);
}

void check_pair(const torch::Tensor& a, const torch::Tensor& b, int least_side) {
  RFM_CHECK(a.dim() == 3 && a.sizes() == b.sizes() && a.size(1) >= least_side && a.size(2) >= least_side,
            "two pictures [C, H, W] of one size, each side at least {}, are compared; got {} and {}",
            least_side, shape_text(a.sizes()), shape_text(b.sizes()));
}

}  // namespace

double ssim_valid(const torch::Tensor& a, const torch::Tensor& b) {
  check_pair(a, b, kWindow);
  return valid_means(channels(a), channels(b)).ssim.mean().item<double>();
}

double ms_ssim(const torch::Tensor& a, const torch::Tensor& b) {
  check_pair(a, b, kMsSsimMinSide);
  torch::Tensor x = channels(a), y = channels(b), product = torch::ones({a.size(0)}, torch::kFloat64);
  for (std::size_t scale = 0; scale < kScaleWeights.size(); ++scale) {
    const bool last = scale + 1 == kScaleWeights.size();
    const Means means = valid_means(x, y);
    product = product * (last ? means.ssim : means.contrast).clamp_min(0).pow(kScaleWeights[scale]);
    if (last) break;
    const auto half = F::AvgPool2dFuncOptions(2);
    x = F::avg_pool2d(x, half);
    y = F::avg_pool2d(y, half);
  }
  return product.mean().item<double>();
}

}  // namespace renderfm
