#include "renderfm/raster/light_share.h"

#include <torch/utils.h>

#include "renderfm/core/check.h"
#include "renderfm/math/sh.h"
#include "renderfm/raster/rasterize.h"

namespace renderfm::raster {

torch::Tensor drawn_weight(const GaussianSet& gaussians, const std::vector<Camera>& cameras) {
  const torch::AutoGradMode with_gradients(true);
  // With every Gaussian white, a picture is the sum of their weights, and its gradient tells whose.
  GaussianSet white = gaussians;
  white.sh = torch::zeros_like(gaussians.sh);
  white.sh.slice(1, 0, 3).fill_(0.5 / kSh0);
  white.sh.requires_grad_(true);
  for (const Camera& camera : cameras) rasterize(white, {camera}).rgb.select(1, 0).sum().backward();
  const torch::Tensor gradient = white.sh.grad();
  return gradient.defined() ? gradient.select(1, 0) / kSh0 : torch::zeros_like(gaussians.opacity);
}

torch::Tensor all_but_share(const torch::Tensor& weight, double share) {
  RFM_CHECK(share >= 0 && share < 1, "a share lies in [0, 1), not {}", share);
  const torch::Tensor ascending = std::get<0>(weight.sort()).to(torch::kFloat64);
  const torch::Tensor sum = ascending.cumsum(0);
  const auto left_out = (sum <= share * sum[-1]).sum().item<std::int64_t>();
  if (left_out == weight.size(0)) return torch::zeros_like(weight, torch::kBool);
  return weight >= ascending[left_out].to(torch::kFloat32);
}

}  // namespace renderfm::raster
