#include "renderfm/image/edge_error.h"

#include <torch/nn/functional/conv.h>
#include <torch/nn/functional/padding.h>

#include <cmath>
#include <limits>

#include "renderfm/core/check.h"
#include "renderfm/tensor/check_tensor.h"

namespace renderfm {
namespace {

void check_pair(const torch::Tensor& a, const torch::Tensor& b) {
  RFM_CHECK(a.dim() == 3 && a.size(0) == 3 && a.sizes() == b.sizes(),
            "two pictures [3, H, W] of one size are compared, got {} and {}", shape_text(a.sizes()),
            shape_text(b.sizes()));
}

}  // namespace

torch::Tensor edge_strength(const torch::Tensor& srgb) {
  namespace F = torch::nn::functional;
  const torch::Tensor image = srgb.to(torch::kCPU, torch::kFloat64);
  const torch::Tensor luma = 0.2125 * image[0] + 0.7154 * image[1] + 0.0721 * image[2];
  const torch::Tensor along_x =
      torch::tensor({1.0, 0.0, -1.0, 2.0, 0.0, -2.0, 1.0, 0.0, -1.0}, torch::kFloat64).view({3, 3}) / 4;
  const torch::Tensor kernels = torch::stack({along_x, along_x.t()}).unsqueeze(1);
  // Replicating one pixel is mirroring about the edge of the image.
  const torch::Tensor padded = F::pad(luma.view({1, 1, luma.size(0), luma.size(1)}),
                                      F::PadFuncOptions({1, 1, 1, 1}).mode(torch::kReplicate));
  const torch::Tensor gradient = F::conv2d(padded, kernels)[0];
  return ((gradient[0].square() + gradient[1].square()) / 2).sqrt();
}

double edge_error(const torch::Tensor& a, const torch::Tensor& b) {
  check_pair(a, b);
  return (edge_strength(a) - edge_strength(b)).abs().mean().item<double>();
}

torch::Tensor foreground_pixels(const torch::Tensor& target) {
  return std::get<0>(target.max(0)) >= 0.5 / 255;
}

double masked_psnr(const torch::Tensor& image, const torch::Tensor& target, const torch::Tensor& mask) {
  check_pair(image, target);
  check_tensor(mask, "mask", {image.size(1), image.size(2)}, torch::kBool);
  const torch::Tensor squared =
      (image - target).to(torch::kFloat64).square().masked_select(mask.unsqueeze(0));
  if (squared.numel() == 0) return std::numeric_limits<double>::quiet_NaN();
  return -10 * std::log10(squared.mean().item<double>());
}

double foreground_psnr(const torch::Tensor& image, const torch::Tensor& target) {
  return masked_psnr(image, target, foreground_pixels(target));
}

}  // namespace renderfm
