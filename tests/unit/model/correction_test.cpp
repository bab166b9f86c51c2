// What the output of a network may do to the Gaussians that it starts from.
#include "renderfm/model/correction.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/generated/variable_factories.h>

#include <cmath>

#include "renderfm/gaussian/activate.h"
#include "renderfm/gaussian/priming.h"

namespace renderfm {
namespace {

constexpr double kLeast = 0.48;

torch::Tensor start_of(std::int64_t rows) {
  torch::Tensor start = torch::zeros({rows, layout::kChannels}, torch::kFloat64);
  for (int row = 0; row < 3; ++row) {
    start.select(1, layout::kChol + layout::c_index(row, row)).fill_(std::log(kPrimedSigmaVoxels));
  }
  return start;
}

TEST(Correction, WithoutALimitIsASum) {
  const torch::Tensor start = start_of(5), residual = torch::randn({5, layout::kChannels}, torch::kFloat64);
  EXPECT_TRUE(corrected(start, residual, 0).equal(start + residual));
}

TEST(Correction, LeavesTheStartWhereTheNetworkSaysNothing) {
  const torch::Tensor start = start_of(3);
  EXPECT_LT((corrected(start, torch::zeros_like(start), kLeast) - start).abs().max().item<double>(), 1e-12);
}

TEST(Correction, MakesNoGaussianNarrowerThanTheLimitAndChangesNothingElse) {
  const torch::Tensor start = start_of(1000);
  const torch::Tensor residual = 4 * torch::randn({1000, layout::kChannels}, torch::kFloat64);
  const torch::Tensor raw = corrected(start, residual, kLeast);
  for (std::int64_t channel = 0; channel < layout::kChannels; ++channel) {
    const auto is = [&](int row) { return channel == layout::kChol + layout::c_index(row, row); };
    const torch::Tensor got = raw.select(1, channel), said = residual.select(1, channel);
    if (!is(0) && !is(1) && !is(2)) {
      EXPECT_TRUE(got.equal(said)) << channel;
      continue;
    }
    EXPECT_GE(got.exp().min().item<double>(), kLeast * (1 - 1e-12));
    EXPECT_LT(got.exp().min().item<double>(), kLeast * 1.001);
    // Wide ones are as wide as their output says, but for the start's excess over the limit.
    const double scale = std::sqrt(kPrimedSigmaVoxels * kPrimedSigmaVoxels - kLeast * kLeast);
    const torch::Tensor wide = said > 3;
    EXPECT_TRUE(at::allclose(got.masked_select(wide).exp(), scale * said.masked_select(wide).exp(), 0.01));
  }
}

TEST(Correction, HasTheGradientOfItsFormula) {
  const torch::Tensor start = start_of(4);
  const torch::Tensor at = torch::randn({4, layout::kChannels}, torch::kFloat64);
  const torch::Tensor weight = torch::randn({4, layout::kChannels}, torch::kFloat64);
  torch::Tensor residual = at.clone().requires_grad_(true);
  (corrected(start, residual, kLeast) * weight).sum().backward();
  constexpr double kStep = 1e-6;
  for (int row = 0; row < 3; ++row) {
    const std::int64_t channel = layout::kChol + layout::c_index(row, row);
    const auto value = [&](double step) {
      torch::Tensor moved = at.clone();
      moved[2][channel] += step;
      return (corrected(start, moved, kLeast) * weight).sum().item<double>();
    };
    EXPECT_NEAR(residual.grad()[2][channel].item<double>(), (value(kStep) - value(-kStep)) / (2 * kStep),
                1e-7);
  }
}

}  // namespace
}  // namespace renderfm
