#include "renderfm/gaussian/activate.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numbers>

#include "renderfm/core/check.h"
#include "renderfm/gaussian/priming.h"
#include "renderfm/math/polylog.h"
#include "renderfm/math/sh.h"

namespace renderfm {
namespace {

TEST(Layout, NumbersTheLowerTriangleRowByRow) {
  int expected = 0;
  for (int row = 0; row < 6; ++row) {
    for (int column = 0; column <= row; ++column) EXPECT_EQ(layout::chol_index(row, column), expected++);
  }
  EXPECT_EQ(expected, layout::kCholCount);
}

TEST(Activate, IsUndoneByDeactivate) {
  double raw[layout::kChannels];
  for (int n = 0; n < layout::kChannels; ++n) raw[n] = 0.5 * std::sin(1.0 + n);
  const Vec3d spacing{1.5, 2.0, 0.75};
  double back[layout::kChannels];
  layout::deactivate(layout::activate(raw, spacing), spacing, back);
  for (int n = layout::kChol; n < layout::kChannels; ++n) EXPECT_NEAR(back[n], raw[n], 1e-12) << n;
  EXPECT_NEAR(back[layout::kOpacityLogit], raw[layout::kOpacityLogit], 1e-12);
}

TEST(Activate, ScalesPositionRowsWithTheSpacingOfTheirAxisAndDirectionRowsNot) {
  double raw[layout::kChannels] = {};
  for (int n = layout::kChol; n < layout::kChannels; ++n) raw[n] = 0.3;
  const auto unit = layout::activate(raw, Vec3d{1, 1, 1}), scaled = layout::activate(raw, Vec3d{2, 3, 5});
  const double factor[6] = {1, 1, 1, 2, 3, 5};
  for (int row = 0; row < 6; ++row) {
    for (int column = 0; column <= row; ++column) {
      const int n = layout::chol_index(row, column);
      EXPECT_NEAR(scaled.chol[n], factor[row] * unit.chol[n], 1e-12);
    }
  }
}

TEST(Activate, ClampsTheDiagonals) {
  double raw[layout::kChannels] = {};
  for (const double extreme : {-50.0, 50.0}) {
    for (int row = 0; row < 6; ++row) raw[layout::kChol + layout::chol_index(row, row)] = extreme;
    const auto shape = layout::activate(raw, Vec3d{1, 1, 1});
    EXPECT_NEAR(shape.chol[layout::a_index(1, 1)], std::exp(extreme < 0 ? -4.6 : 2.3), 1e-9);
    EXPECT_NEAR(shape.chol[layout::c_index(2, 2)], extreme < 0 ? 0.05 : 4.0, 1e-9);
  }
}

Foreground one_voxel(double spacing_mm, float sigma_t_per_mm) {
  Foreground foreground;
  foreground.grid.shape_zyx = {2, 3, 4};
  foreground.grid.spacing_zyx_mm = {spacing_mm, spacing_mm, spacing_mm};
  foreground.grid.origin_mm = {100, 200, 300};
  foreground.voxel = {foreground.grid.offset(1, 2, 3)};
  foreground.sigma_t_per_mm = {sigma_t_per_mm};
  foreground.srgb = {Vec3f{0.3F, 0.6F, 0.8F}};
  foreground.lit_srgb = {Vec3f{0.2F, 0.5F, 0.9F}};
  foreground.inward_normal = {Vec3f{0, 1, 0}};
  foreground.exposure = {1};
  foreground.label = {5};
  foreground.label_names = {{5, "liver"}};
  return foreground;
}

TEST(Priming, PutsAGaussianOfTheVoxelsColourAtItsCentre) {
  const Foreground foreground = one_voxel(2, 0.4F);
  const GaussianSet set = gaussians_from_raw(start_channels(foreground, Start::kUncalibrated), foreground);
  ASSERT_EQ(set.size(), 1);
  EXPECT_FLOAT_EQ(set.position_mm[0][0].item<float>(), 106);
  EXPECT_FLOAT_EQ(set.position_mm[0][1].item<float>(), 204);
  EXPECT_FLOAT_EQ(set.position_mm[0][2].item<float>(), 302);
  EXPECT_NEAR(0.5 + 0.28209479 * set.sh[0][2].item<double>(), 0.9, 1e-6);
  EXPECT_FLOAT_EQ(set.chol[0][layout::c_index(1, 1)].item<float>(), 1.2F);
  EXPECT_FLOAT_EQ(set.chol[0][layout::a_index(0, 0)].item<float>(), 5);
  EXPECT_FLOAT_EQ(set.chol[0][layout::b_index(2, 0)].item<float>(), 0);
  EXPECT_FLOAT_EQ(set.direction_mean[0][1].item<float>(), 1);
  EXPECT_EQ(set.label[0].item<int>(), 5);
}

TEST(Start, OfTheTissueIsUnlitAndAsOpaqueAsAVoxelIsThick) {
  const Foreground foreground = one_voxel(2, 0.4F);
  const GaussianSet set = gaussians_from_raw(start_channels(foreground, Start::kTissue), foreground);
  EXPECT_NEAR(0.5 + 0.28209479 * set.sh[0][2].item<double>(), 0.8, 1e-6);
  EXPECT_NEAR(set.opacity[0].item<double>(), 1 - std::exp(-0.8), 1e-6);
  EXPECT_EQ(set.direction_mean.abs().max().item<float>(), 0);
  EXPECT_FLOAT_EQ(set.chol[0][layout::c_index(1, 1)].item<float>(), 1.2F);
}

TEST(Start, OfNothingIsTheSameEverywhere) {
  const Foreground dense = one_voxel(2, 0.4F), thin = one_voxel(2, 0.01F);
  const torch::Tensor raw = start_channels(dense, Start::kConstant);
  EXPECT_TRUE(torch::equal(raw, start_channels(thin, Start::kConstant)));
  const GaussianSet set = gaussians_from_raw(raw, dense);
  EXPECT_FLOAT_EQ(set.opacity[0].item<float>(), 0.5F);
  EXPECT_EQ(set.sh.abs().max().item<float>(), 0);
  EXPECT_FLOAT_EQ(set.chol[0][layout::c_index(1, 1)].item<float>(), 1.2F);
}

TEST(Start, IsCalibratedAlongItsColourCurveAndByItsGain) {
  Foreground foreground = one_voxel(2, 0.02F);
  foreground.lit_srgb[0] = {0.125F, 0.5F, 0.9F};
  const GaussianSet plain = gaussians_from_raw(start_channels(foreground, Start::kUncalibrated), foreground);
  const GaussianSet primed = gaussians_from_raw(prime(foreground), foreground);
  const auto& curve = kPrimedColourCurve;
  const std::array<float, 3> expected{(curve[0] + curve[1]) / 2, curve[2], 0.4F * curve[3] + 0.6F * curve[4]};
  for (int channel = 0; channel < 3; ++channel) {
    EXPECT_NEAR(0.5 + kSh0 * plain.sh[0][channel].item<double>(), foreground.lit_srgb[0][channel], 1e-6);
    EXPECT_NEAR(0.5 + kSh0 * primed.sh[0][channel].item<double>(), expected[channel], 1e-6);
  }
  const auto depth = [](const GaussianSet& set) {
    return dilogarithm(set.opacity[0].item<double>()) - kDilogarithmOfCut;
  };
  EXPECT_NEAR(depth(primed) / depth(plain), kPrimedDepthGain, 1e-4);
}

TEST(Start, HasFourNames) {
  for (const Start start : {Start::kPrimed, Start::kUncalibrated, Start::kTissue, Start::kConstant}) {
    EXPECT_EQ(start_from(name_of(start), "here"), start);
  }
  EXPECT_THROW(start_from("nothing", "here"), Error);
}

TEST(Priming, SolvesTheOpacityEquationOfTheLattice) {
  // Li2(a) - Li2(1/255) = sigma V / (2 pi s^2), s = 0.6 h: per voxel depth t = sigma h this is t / (2 pi
  // 0.36).
  for (const double spacing : {0.5, 1.5, 3.0}) {
    for (const double depth : {0.006, 0.05, 0.3, 1.0, 3.0}) {
      const double opacity = primed_opacity(depth / spacing, {spacing, spacing, spacing});
      if (opacity >= kAlphaCap) continue;
      const double carried = (dilogarithm(opacity) - dilogarithm(1.0 / 255)) * 2 * std::numbers::pi * 0.36;
      EXPECT_NEAR(carried, depth, 1e-5 * depth) << spacing << " mm, depth " << depth;
      const Foreground foreground = one_voxel(spacing, static_cast<float>(depth / spacing));
      const torch::Tensor raw = start_channels(foreground, Start::kUncalibrated);
      EXPECT_NEAR(gaussians_from_raw(raw, foreground).opacity[0].item<double>(), opacity, 2e-5);
    }
  }
}

}  // namespace
}  // namespace renderfm
