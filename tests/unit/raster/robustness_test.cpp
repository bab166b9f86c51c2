// What no input may do: crash, hang, leave NaN in a picture, or let one bad Gaussian spoil the others.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "renderfm/core/check.h"
#include "renderfm/raster/rasterize.h"
#include "unit/raster/scenes.h"

namespace renderfm::raster {
namespace {

using test::Blob;
using test::make_set;
using test::plain_camera;
using test::random_set;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

void expect_black(const RenderOutput& out) {
  EXPECT_EQ(out.rgb.abs().max().item<double>(), 0);
  EXPECT_EQ(out.alpha.abs().max().item<double>(), 0);
  EXPECT_EQ(out.depth.abs().max().item<double>(), 0);
}

bool all_finite(const RenderOutput& out) {
  return torch::isfinite(out.rgb).all().item<bool>() && torch::isfinite(out.alpha).all().item<bool>() &&
         torch::isfinite(out.depth).all().item<bool>();
}

class Robustness : public testing::TestWithParam<Backend> {
 protected:
  RenderOutput draw(const GaussianSet& set, const Camera& camera = plain_camera()) {
    return rasterize(set, {camera}, {GetParam()});
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, Robustness, testing::Values(Backend::kReference, Backend::kCpu),
                         [](const auto& instance) {
                           return std::string(instance.param == Backend::kCpu ? "Cpu" : "Reference");
                         });

TEST_P(Robustness, NoGaussiansDrawABlackPicture) {
  const RenderOutput out = draw(make_set({}), plain_camera(17, 5));
  EXPECT_EQ(out.rgb.sizes(), (torch::IntArrayRef{1, 3, 5, 17}));
  EXPECT_EQ(out.alpha.sizes(), (torch::IntArrayRef{1, 5, 17}));
  expect_black(out);
}

TEST_P(Robustness, EverythingBehindTheCameraDrawsABlackPicture) {
  expect_black(
      draw(make_set({Blob{.position_mm = {0, 0, -10}}, Blob{.position_mm = {1, 2, -0.5}, .scale_mm = 10}})));
}

TEST_P(Robustness, AGaussianOnTheCameraIsCulled) {
  expect_black(draw(make_set({Blob{.position_mm = {0, 0, 0}}})));
}

TEST_P(Robustness, ACameraInsideTheSetDrawsWithoutNaN) {
  Camera camera = plain_camera();
  const GaussianSet set = random_set(2000, 11);
  camera.position_mm = {set.position_mm[5][0].item<double>(), set.position_mm[5][1].item<double>(),
                        set.position_mm[5][2].item<double>()};
  const RenderOutput out = draw(set, camera);
  EXPECT_TRUE(all_finite(out));
  EXPECT_GT(out.alpha.mean().item<double>(), 0.02);
}

TEST_P(Robustness, TinyScalesAreDrawnAtTheFloorAndHugeOnesCoverThePicture) {
  EXPECT_NEAR(draw(make_set({Blob{.scale_mm = 1e-8, .opacity = 0.99}})).alpha.max().item<double>(), 0.00495,
              1e-5);
  const RenderOutput huge = draw(make_set({Blob{.scale_mm = 1e6, .opacity = 0.6}}));
  EXPECT_NEAR(huge.alpha.min().item<double>(), 0.6, 1e-4);
  EXPECT_NEAR(huge.alpha.max().item<double>(), 0.6, 1e-4);
}

TEST_P(Robustness, OpacityZeroDrawsNothingAndOpacityOneIsCapped) {
  expect_black(draw(make_set({Blob{.opacity = 0}})));
  expect_black(draw(make_set({Blob{.opacity = -0.5}})));
  EXPECT_NEAR(draw(make_set({Blob{.scale_mm = 10, .opacity = 1}})).alpha.max().item<double>(), 0.99, 1e-6);
}

TEST_P(Robustness, AZeroDiagonalCullsOnlyItsGaussian) {
  const std::vector<Blob> good{Blob{.colour = {0.9, 0.1, 0.2}}};
  std::vector<Blob> with_bad = good;
  with_bad.push_back({.position_mm = {0, 0, 5}, .a = 0});
  EXPECT_TRUE(torch::equal(draw(make_set(good)).rgb, draw(make_set(with_bad)).rgb));
}

// Each parameter in turn, with NaN and both infinities: the picture is that of the others alone, to the bit,
// and the warning counts the dropped ones.
TEST_P(Robustness, ANonFiniteParameterDropsOnlyItsGaussianAndIsReported) {
  GaussianSet clean = random_set(37, 12, 3.0);
  clean.position_mm += torch::tensor({0.f, 0.f, 60.f});
  const auto column_of = [](GaussianSet& set, int column) {
    if (column < 3) return set.position_mm.select(1, column);
    if (column < 15) return set.sh.select(1, column - 3);
    if (column < 16) return set.opacity;
    if (column < 19) return set.direction_mean.select(1, column - 16);
    return set.chol.select(1, column - 19);
  };
  torch::Tensor others = torch::ones({37}, torch::kBool);
  others[20] = false;
  const RenderOutput expected = draw(clean.select(others));
  ASSERT_GT(expected.alpha.mean().item<double>(), 0.1);
  ASSERT_FALSE(torch::equal(draw(clean).rgb, expected.rgb)) << "the spoiled Gaussian must be a visible one";
  for (int column = 0; column < 40; ++column) {
    for (const double bad : {kNaN, kInfinity, -kInfinity}) {
      GaussianSet spoiled = clean;
      for (torch::Tensor* tensor :
           {&spoiled.position_mm, &spoiled.sh, &spoiled.opacity, &spoiled.direction_mean, &spoiled.chol}) {
        *tensor = tensor->clone();
      }
      column_of(spoiled, column)[20] = bad;
      testing::internal::CaptureStderr();
      const RenderOutput out = draw(spoiled);
      const std::string log = testing::internal::GetCapturedStderr();
      ASSERT_TRUE(torch::equal(out.rgb, expected.rgb)) << "column " << column << " = " << bad;
      ASSERT_TRUE(torch::equal(out.depth, expected.depth)) << "column " << column << " = " << bad;
      ASSERT_NE(log.find("1 of 37 Gaussians have NaN or infinite parameters"), std::string::npos)
          << "column " << column << " = " << bad << ", log: " << log;
    }
  }
}

TEST_P(Robustness, OverflowingButFiniteParametersLeaveNoNaN) {
  const GaussianSet set =
      make_set({Blob{.position_mm = {0, 0, 3e38}}, Blob{.position_mm = {3e38, 3e38, 1}},
                Blob{.scale_mm = 3e38}, Blob{.position_mm = {0, 0, 0.02}, .scale_mm = 1e30}, Blob{.a = 1e-38},
                Blob{.direction_mean = {3e38, 0, 0}}, Blob{.colour = {0.5, 0.5, 0.5}}});
  const RenderOutput out = draw(set);
  EXPECT_TRUE(all_finite(out));
  EXPECT_GT(out.alpha.max().item<double>(), 0.3);
}

TEST_P(Robustness, OddAndTinyPicturesAreCutFromTheSameScene) {
  // Every size shares the principal point in pixels from the top left, so a small picture is a corner of a
  // large one.
  const GaussianSet set = [] {
    GaussianSet s = random_set(500, 13, 1.5);
    s.position_mm += torch::tensor({20.f, 20.f, 90.f});
    return s;
  }();
  const auto corner = [](int width, int height) {
    Camera camera = plain_camera(width, height);
    camera.cx = camera.cy = 0;
    return camera;
  };
  const RenderOutput whole = draw(set, corner(97, 70));
  for (const auto& [width, height] :
       {std::pair{1, 1}, {1, 70}, {97, 1}, {31, 33}, {32, 32}, {33, 31}, {65, 17}}) {
    const RenderOutput part = draw(set, corner(width, height));
    ASSERT_EQ(part.rgb.sizes(), (torch::IntArrayRef{1, 3, height, width}));
    const torch::Tensor cut = whole.rgb.slice(2, 0, height).slice(3, 0, width);
    // The Jacobian's clamp depends on the image size, so Gaussians beyond the border differ a little.
    EXPECT_LE((part.rgb - cut).abs().max().item<double>(), 0.05) << width << "x" << height;
    EXPECT_LE((part.rgb - cut).abs().mean().item<double>(), 2e-3) << width << "x" << height;
  }
}

TEST_P(Robustness, WrongShapesAndCamerasAreNamed) {
  const auto message = [&](const GaussianSet& set, const std::vector<Camera>& cameras) -> std::string {
    try {
      rasterize(set, cameras, {GetParam()});
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  GaussianSet set = random_set(4, 14);
  EXPECT_NE(message(set, {}).find("no camera"), std::string::npos);
  EXPECT_NE(message(set, {plain_camera(8, 8), plain_camera(8, 9)}).find("8x9"), std::string::npos);
  EXPECT_NE(message(set, {plain_camera(0, 8)}).find("0x8"), std::string::npos);
  Camera bent = plain_camera();
  bent.rotation[1][1] = kNaN;
  EXPECT_NE(message(set, {bent}).find("not usable"), std::string::npos);
  set.chol = torch::zeros({4, 20});
  EXPECT_NE(message(set, {plain_camera()}).find("chol is [4, 20]"), std::string::npos);
}

TEST(Dispatch, AnUnknownSimdLevelIsAUsageError) {
  const test::ForcedSimd forced("sse9");
  try {
    rasterize(random_set(1, 15), {plain_camera()}, {Backend::kCpu});
    FAIL() << "drew with an unknown level";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_NE(std::string(error.what()).find("sse9"), std::string::npos);
  }
}

}  // namespace
}  // namespace renderfm::raster
