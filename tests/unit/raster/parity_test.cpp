// The threaded renderer against the tensor oracle in double, and its instruction sets and thread counts
// against each other. Thresholds (the 1/255 cut, the stop rule) may fall either way within rounding: such
// pixels are few, and each may be off by a bounded step; everywhere else the agreement is tight.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/raster/rasterize.h"
#include "unit/raster/scenes.h"

namespace renderfm::raster {
namespace {

using test::ForcedSimd;
using test::random_set;

struct Tolerance {
  double tight;          // outside the band
  double band;           // the largest step of a flipped threshold
  double flip_fraction;  // of the pixels that may lie in the band
};

void expect_close(const torch::Tensor& actual, const torch::Tensor& expected, const Tolerance& tolerance,
                  const std::string& what) {
  ASSERT_EQ(actual.sizes(), expected.sizes());
  const torch::Tensor difference = (actual.to(torch::kFloat64) - expected.to(torch::kFloat64)).abs();
  const torch::Tensor flipped = ~(difference <= tolerance.tight);  // NaN counts
  const double fraction = flipped.to(torch::kFloat64).mean().item<double>();
  EXPECT_LE(fraction, tolerance.flip_fraction)
      << what << ": worst outside the band at flat index " << difference.argmax().item<std::int64_t>();
  EXPECT_LE(difference.max().item<double>(), tolerance.band) << what;
  // An empty or constant picture would agree with anything.
  EXPECT_GT(expected.std().item<double>(), 0.02) << what;
}

// A flip at the cut changes one pixel by T/255 times a colour (up to 2 here); one at the stop rule by at most
// 0.01.
constexpr Tolerance kAgainstDouble{.tight = 1e-4, .band = 0.02, .flip_fraction = 2e-3};

std::vector<Camera> orbit(int width, int height, double radius_mm = 32) {
  std::vector<Camera> cameras;
  for (const auto& [azimuth, elevation] : {std::pair{10.0, 5.0}, {130.0, -40.0}, {250.0, 75.0}}) {
    cameras.push_back(orbit_camera({{0, 0, 0}, radius_mm}, azimuth, elevation, width, height));
  }
  return cameras;
}

void expect_backends_agree(const GaussianSet& set, const std::vector<Camera>& cameras,
                           const ClipRegion& clip = {}) {
  const RenderOutput cpu = rasterize(set, cameras, {Backend::kCpu, 0, clip});
  const RenderOutput oracle = rasterize(test::to_double(set), cameras, {Backend::kReference, 0, clip});
  ASSERT_EQ(oracle.rgb.scalar_type(), torch::kFloat64);
  expect_close(cpu.rgb, oracle.rgb, kAgainstDouble, "rgb");
  expect_close(cpu.alpha, oracle.alpha, kAgainstDouble, "alpha");
  // Depth in units of the greatest one.
  const double distance = oracle.depth.max().item<double>();
  expect_close(cpu.depth / distance, oracle.depth / distance, kAgainstDouble, "depth");
}

class Parity : public testing::TestWithParam<std::string> {
 protected:
  ForcedSimd forced_{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Levels, Parity, testing::ValuesIn(test::simd_levels()),
                         [](const auto& instance) { return instance.param; });

TEST_P(Parity, SmallGaussiansAgreeWithTheOracle) {
  expect_backends_agree(random_set(1500, 1, 0.8), orbit(101, 77));
}

TEST_P(Parity, LargeOverlappingGaussiansAgreeWithTheOracle) {
  expect_backends_agree(random_set(400, 2, 4.0), orbit(64, 96));
}

TEST_P(Parity, ACameraInsideTheSetAgreesWithTheOracle) {
  std::vector<Camera> cameras = orbit(80, 80);
  for (Camera& camera : cameras) camera.position_mm = {2, -3, 1};
  expect_backends_agree(random_set(1500, 3, 0.5), cameras);
}

TEST_P(Parity, WithoutCompensationAgreesWithTheOracle) {
  GaussianSet set = random_set(2000, 4, 0.3);
  set.low_pass_compensation = false;
  expect_backends_agree(set, orbit(70, 50));
}

TEST_P(Parity, ThreadCountChangesNoBit) {
  const GaussianSet set = random_set(60000, 5, 0.4);
  const std::vector<Camera> cameras = orbit(203, 151);
  set_thread_count(1);
  const RenderOutput one = rasterize(set, cameras, {Backend::kCpu});
  for (const int threads : {2, 7}) {
    set_thread_count(threads);
    const RenderOutput many = rasterize(set, cameras, {Backend::kCpu});
    EXPECT_TRUE(torch::equal(one.rgb, many.rgb)) << threads << " threads";
    EXPECT_TRUE(torch::equal(one.alpha, many.alpha)) << threads << " threads";
    EXPECT_TRUE(torch::equal(one.depth, many.depth)) << threads << " threads";
  }
  set_thread_count(0);
  EXPECT_GT(one.alpha.mean().item<double>(), 0.1);
}

TEST_P(Parity, AnInstructionSetChangesNothingButThresholds) {
  const GaussianSet set = random_set(20000, 6, 0.6);
  const std::vector<Camera> cameras = orbit(160, 120);
  const RenderOutput here = rasterize(set, cameras, {Backend::kCpu});
  const ForcedSimd baseline("baseline");
  const RenderOutput there = rasterize(set, cameras, {Backend::kCpu});
  const Tolerance rounding{.tight = 2e-5, .band = 0.02, .flip_fraction = 1e-3};
  expect_close(here.rgb, there.rgb, rounding, "rgb");
  expect_close(here.alpha, there.alpha, rounding, "alpha");
}

// Both have fused multiply-adds; the baseline has not.
TEST(Backends, InstructionSetsWithFusedMultiplyAddsGiveTheSameBits) {
  const GaussianSet set = random_set(20000, 7, 0.6);
  const std::vector<Camera> cameras = orbit(160, 120);
  RenderOutput first;
  for (const std::string& name : test::simd_levels()) {
    if (name == "baseline") continue;
    const ForcedSimd level(name);
    const RenderOutput out = rasterize(set, cameras, {Backend::kCpu});
    if (!first.rgb.defined()) first = out;
    EXPECT_TRUE(torch::equal(out.rgb, first.rgb)) << name;
    EXPECT_TRUE(torch::equal(out.alpha, first.alpha)) << name;
    EXPECT_TRUE(torch::equal(out.depth, first.depth)) << name;
  }
}

// Along a lattice axis whole slices share one depth. With a camera on the axis depths are exact in both
// backends, so index order decides in both: a wrong tie-break would show everywhere.
TEST(Backends, ALatticeOfEqualDepthsAgreesWithTheOracle) {
  std::vector<test::Blob> blobs;
  for (int k = 0; k < 6; ++k) {
    for (int j = 0; j < 12; ++j) {
      for (int i = 0; i < 12; ++i) {
        blobs.push_back({.position_mm = {i - 5.5, j - 5.5, 40.0 + k},
                         .scale_mm = 0.6,
                         .opacity = 0.5,
                         .colour = {0.1 * (i % 7), 0.1 * (j % 8), 0.15 * k}});
      }
    }
  }
  expect_backends_agree(test::make_set(blobs), {test::plain_camera(41, 37)});
}

TEST(Backends, ViewsOfOneCallEqualViewsDrawnAlone) {
  const GaussianSet set = random_set(3000, 8, 0.6);
  const std::vector<Camera> cameras = orbit(65, 43);
  for (const Backend backend : {Backend::kCpu, Backend::kReference}) {
    const RenderOutput together = rasterize(set, cameras, {backend});
    for (std::size_t v = 0; v < cameras.size(); ++v) {
      const RenderOutput alone = rasterize(set, {cameras[v]}, {backend});
      EXPECT_TRUE(torch::equal(together.rgb[static_cast<std::int64_t>(v)], alone.rgb[0]));
      EXPECT_TRUE(torch::equal(together.depth[static_cast<std::int64_t>(v)], alone.depth[0]));
    }
  }
}

// The oracle is what later gradients are tested against: its own must be right first.
TEST(Reference, GradientsAgreeWithCentralDifferences) {
  const GaussianSet base = test::to_double(random_set(30, 9, 3.0));
  const std::vector<Camera> cameras{orbit(24, 18)[1]};
  torch::manual_seed(3);
  const torch::Tensor weight = torch::randn({1, 3, 18, 24}, torch::kFloat64);
  const auto loss = [&](const GaussianSet& set) {
    const RenderOutput out = rasterize(set, cameras, {Backend::kReference});
    return (out.rgb * weight).sum() + 0.3 * out.alpha.sum() + 0.01 * out.depth.sum();
  };
  const auto parameters = [](GaussianSet& set) {
    return std::vector<torch::Tensor*>{&set.position_mm, &set.sh, &set.opacity, &set.direction_mean,
                                       &set.chol};
  };
  GaussianSet leaf = base;
  for (torch::Tensor* tensor : parameters(leaf)) *tensor = tensor->clone().requires_grad_(true);
  loss(leaf).backward();
  int compared = 0;
  for (std::size_t p = 0; p < 5; ++p) {
    const torch::Tensor gradient = parameters(leaf)[p]->grad().flatten();
    ASSERT_GT(gradient.abs().max().item<double>(), 1e-3) << "parameter " << p << " has no gradient";
    int agreeing = 0, tried = 0;
    for (std::int64_t i = 0; i < gradient.size(0); i += 7) {
      const double step = 1e-6;
      double value[2];
      for (const int side : {0, 1}) {
        GaussianSet moved = base;
        torch::Tensor* tensor = parameters(moved)[p];
        *tensor = tensor->clone();
        tensor->flatten()[i] += side == 0 ? -step : step;
        value[side] = loss(moved).item<double>();
      }
      const double difference = (value[1] - value[0]) / (2 * step), exact = gradient[i].item<double>();
      ++tried;
      agreeing += std::abs(difference - exact) <= 1e-5 * std::max(1.0, std::abs(exact));
    }
    // A step of 1e-6 seldom carries a pixel over the 1/255 cut, which is a jump and no gradient; allow for
    // one in 20.
    EXPECT_GE(agreeing * 20, tried * 19) << "parameter " << p << ": " << agreeing << " of " << tried;
    compared += tried;
  }
  EXPECT_GT(compared, 100);
}

TEST(RasterClip, CutsAsTheOracleDoesAndSparesTheExempt) {
  const GaussianSet set = random_set(200, 5);
  ClipRegion clip;
  clip.planes = {{{0.6, -0.64, 0.48}, 3}, {{0, 0, -2}, 30}};  // oblique; a normal of length 2
  expect_backends_agree(set, orbit(64, 48), clip);
  clip.exempt = torch::arange(200).remainder(3) == 0;
  expect_backends_agree(set, orbit(64, 48), clip);
  const auto light = [&](const ClipRegion& region) {
    return rasterize(set, orbit(64, 48), {Backend::kCpu, 0, region}).alpha.mean().item<double>();
  };
  ClipRegion all_cut = clip;
  all_cut.exempt = torch::Tensor();
  EXPECT_LT(light(all_cut), 0.9 * light(clip));
  EXPECT_LT(light(clip), 0.95 * light({}));
}

TEST(RasterClip, PlaneThroughTheCentreHalvesTheOpacity) {
  const GaussianSet set = test::make_set({test::Blob{.opacity = 0.8}});
  const auto centre_alpha = [&](const ClipRegion& clip) {
    return rasterize(set, {test::plain_camera()}, {Backend::kCpu, 0, clip}).alpha[0][16][16].item<double>();
  };
  const double whole = centre_alpha({});
  EXPECT_NEAR(centre_alpha({{{{0, 0, 1}, -10}}, {}}) / whole, 0.5, 1e-6);
  // One standard deviation (0.5 mm) of it on the side that goes.
  EXPECT_NEAR(centre_alpha({{{{1, 0, 0}, 0.5}}, {}}) / whole, 0.8413447, 1e-6);
  EXPECT_EQ(centre_alpha({{{{1, 0, 0}, -5}}, {}}), 0);
  EXPECT_EQ(centre_alpha({{{{1, 0, 0}, 5}}, {}}), whole);
}

TEST(RasterClip, RefusesGradientsBadPlanesAndTooMany) {
  GaussianSet set = random_set(10, 6);
  const auto draw = [&](const ClipRegion& clip) { rasterize(set, orbit(8, 8), {Backend::kCpu, 0, clip}); };
  EXPECT_THROW(draw({{{{0, 0, 0}, 1}}, {}}), Error);
  EXPECT_THROW(draw({std::vector<ClipPlane<double>>(kMaxClipPlanes + 1, {{1, 0, 0}, 0}), {}}), Error);
  EXPECT_THROW(draw({{{{1, 0, 0}, 0}}, torch::zeros({3}, torch::kBool)}), Error);
  set.opacity.requires_grad_(true);
  EXPECT_THROW(draw({{{{1, 0, 0}, 0}}, {}}), Error);
}

}  // namespace
}  // namespace renderfm::raster
