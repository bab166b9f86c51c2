// The CUDA backend's host side with the real kernels, emulated on the CPU: memory, batches of views, the
// record between the passes, layout of the gradients. The kernels themselves are tested in
// tests/unit/cuda_raster.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "raster/backend.h"
#include "renderfm/core/check.h"
#include "unit/raster/gradients.h"
#include "unit/raster/scenes.h"

namespace renderfm::raster {
namespace {

DrawInputs inputs_of(const GaussianSet& set, std::vector<Camera> cameras) {
  return {set.position_mm, set.sh, set.opacity, set.direction_mean, set.chol, std::move(cameras)};
}

std::vector<Camera> orbit(int views, int width, int height) {
  std::vector<Camera> cameras;
  for (int v = 0; v < views; ++v) {
    cameras.push_back(orbit_camera({{0, 0, 0}, 32}, 40.0 * v, 12.0 * v - 40, width, height));
  }
  return cameras;
}

void expect_near(const torch::Tensor& actual, const torch::Tensor& expected, const char* what) {
  ASSERT_EQ(actual.sizes(), expected.sizes()) << what;
  const torch::Tensor difference = (actual - expected).abs();
  const double scale = expected.abs().max().item<double>();
  ASSERT_GT(scale, 1e-4) << what;
  // A flipped 1/255 cut moves one pixel by a step; everything else is rounding.
  EXPECT_LE((difference > 1e-4 * scale).to(torch::kFloat64).mean().item<double>(), 2e-3) << what;
  EXPECT_LE(difference.norm().item<double>(), 2e-3 * expected.norm().item<double>()) << what;
}

// More views than one batch holds.
TEST(DrawCuda, DrawsAndUndoesWhatTheCpuDrawsAndUndoes) {
  const DrawInputs inputs = inputs_of(test::random_set(150, 61, 1.2), orbit(18, 37, 30));
  const Drawing here = draw_cuda(inputs, true), there = draw_cpu(inputs, true);
  expect_near(here.output.rgb, there.output.rgb, "rgb");
  expect_near(here.output.alpha, there.output.alpha, "alpha");
  expect_near(here.output.depth, there.output.depth, "depth");
  torch::manual_seed(5);
  const RenderOutput v{torch::randn_like(here.output.rgb), torch::randn_like(here.output.alpha),
                       torch::randn_like(here.output.depth) / 30};
  const DrawGradients a = here.record->backward(inputs, v), b = there.record->backward(inputs, v);
  expect_near(a.position_mm, b.position_mm, "position");
  expect_near(a.sh, b.sh, "sh");
  expect_near(a.opacity, b.opacity, "opacity");
  expect_near(a.direction_mean, b.direction_mean, "direction_mean");
  expect_near(a.chol, b.chol, "chol");
  expect_near(a.pose_position_mm, b.pose_position_mm, "pose position");
  expect_near(a.pose_rotation, b.pose_rotation, "pose rotation");
}

TEST(DrawCuda, TakesAGradientOfOneOutputAlone) {
  const DrawInputs inputs = inputs_of(test::random_set(150, 62, 1.2), orbit(2, 37, 30));
  const Drawing here = draw_cuda(inputs, true), there = draw_cpu(inputs, true);
  torch::manual_seed(5);
  const torch::Tensor noise = torch::randn_like(here.output.alpha);
  for (const RenderOutput& v : {RenderOutput{{}, noise, {}}, RenderOutput{{}, {}, noise / 30}}) {
    expect_near(here.record->backward(inputs, v).chol, there.record->backward(inputs, v).chol, "chol");
  }
}

TEST(DrawCuda, IsCutByPlanesAsTheCpuIs) {
  DrawInputs inputs = inputs_of(test::random_set(150, 64, 1.2), orbit(2, 37, 30));
  const Drawing whole = draw_cpu(inputs, false);
  inputs.clip.planes = {{{0.6, -0.64, 0.48}, 3}, {{0, 0, -1}, 15}};
  inputs.clip.exempt = (torch::arange(150).remainder(3) == 0).to(torch::kFloat32);
  const Drawing here = draw_cuda(inputs, false), there = draw_cpu(inputs, false);
  expect_near(here.output.rgb, there.output.rgb, "rgb");
  expect_near(here.output.alpha, there.output.alpha, "alpha");
  EXPECT_LT(here.output.alpha.mean().item<double>(), 0.9 * whole.output.alpha.mean().item<double>());
}

TEST(DrawCuda, KeepsNoRecordUnlessAsked) {
  EXPECT_FALSE(draw_cuda(inputs_of(test::random_set(20, 63, 2.0), orbit(1, 8, 8)), false).record.defined());
}

TEST(DrawCuda, DrawsNothingAsBlackAndCountsWhatIsNotFinite) {
  const Drawing empty = draw_cuda(inputs_of(test::make_set({}), orbit(1, 9, 7)), true);
  EXPECT_EQ(empty.output.rgb.abs().max().item<double>(), 0);
  GaussianSet set = test::random_set(30, 64, 2.0);
  set.chol[3][7] = std::numeric_limits<float>::infinity();
  set.sh[5][1] = std::numeric_limits<float>::quiet_NaN();
  const Drawing some = draw_cuda(inputs_of(set, orbit(1, 32, 32)), false);
  EXPECT_EQ(some.not_finite, draw_cpu(inputs_of(set, orbit(1, 32, 32)), false).not_finite);
  EXPECT_TRUE(torch::isfinite(some.output.rgb).all().item<bool>());
}

TEST(DrawCuda, RefusesWhatExceedsTheMemoryLimit) {
  DrawInputs inputs = inputs_of(test::random_set(500, 65), orbit(1, 32, 32));
  inputs.memory_limit_bytes = 1000;
  try {
    draw_cuda(inputs, false);
    FAIL() << "drew beyond its limit";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kRuntime);
    EXPECT_NE(std::string(error.what()).find("GPU memory"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace renderfm::raster
