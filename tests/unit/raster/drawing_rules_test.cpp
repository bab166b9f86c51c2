// Every rule of drawing against its closed form, on each backend.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "renderfm/raster/rasterize.h"
#include "unit/raster/scenes.h"

namespace renderfm::raster {
namespace {

using test::Blob;
using test::make_set;
using test::plain_camera;

constexpr int kCentre = 16;  // the pixel of a 33 x 33 image whose centre is the principal point

class DrawingRules : public testing::TestWithParam<Backend> {
 protected:
  RenderOutput draw(const std::vector<Blob>& blobs, const Camera& camera = plain_camera(),
                    bool compensate = true) {
    GaussianSet set = make_set(blobs);
    set.low_pass_compensation = compensate;
    return rasterize(set, {camera}, {GetParam()});
  }
  static double alpha(const RenderOutput& out, int x = kCentre, int y = kCentre) {
    return out.alpha[0][y][x].item<double>();
  }
  static double rgb(const RenderOutput& out, int channel, int x = kCentre, int y = kCentre) {
    return out.rgb[0][channel][y][x].item<double>();
  }
  static double depth(const RenderOutput& out, int x = kCentre, int y = kCentre) {
    return out.depth[0][y][x].item<double>();
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, DrawingRules, testing::Values(Backend::kReference, Backend::kCpu),
                         [](const auto& instance) {
                           return std::string(instance.param == Backend::kCpu ? "Cpu" : "Reference");
                         });

// On the axis a ball of s mm at z mm is a disc of f s / z px; the low-pass adds 0.3 px^2.
double variance_px2(const Blob& blob) {
  const double sigma_px = 100 * blob.scale_mm / blob.position_mm.z;
  return sigma_px * sigma_px;
}

TEST_P(DrawingRules, ASingleGaussianHasItsProfileColourAndDepth) {
  const Blob blob{.position_mm = {0, 0, 10}, .scale_mm = 0.25, .opacity = 0.7};
  const RenderOutput out = draw({blob});
  const double sharp = variance_px2(blob), variance = sharp + 0.3;
  const double peak = blob.opacity * sharp / variance;
  for (int dx = -5; dx <= 5; ++dx) {
    for (int dy = -5; dy <= 5; ++dy) {
      const double expected = peak * std::exp(-0.5 * (dx * dx + dy * dy) / variance);
      EXPECT_NEAR(alpha(out, kCentre + dx, kCentre + dy), expected, 2e-6) << dx << ", " << dy;
    }
  }
  for (int c = 0; c < 3; ++c) EXPECT_NEAR(rgb(out, c), peak * blob.colour[c], 2e-6);
  EXPECT_NEAR(depth(out), peak * 10, 2e-5);
}

TEST_P(DrawingRules, WithoutCompensationTheLowPassKeepsThePeak) {
  EXPECT_NEAR(alpha(draw({Blob{.scale_mm = 0.05, .opacity = 0.7}}, plain_camera(), false)), 0.7, 2e-6);
}

TEST_P(DrawingRules, CompensationHasAFloor) {
  const Blob speck{.scale_mm = 1e-5, .opacity = 0.99};
  EXPECT_NEAR(alpha(draw({speck})), 0.99 * 0.005, 1e-6);
}

TEST_P(DrawingRules, OffCentrePositionsLandWhereThePinholeSays) {
  // Right and down of the axis by 3 px and 5 px.
  const RenderOutput out = draw({Blob{.position_mm = {0.3, 0.5, 10}, .scale_mm = 0.1, .opacity = 0.9}});
  const torch::Tensor flat = out.alpha[0].flatten();
  EXPECT_EQ(flat.argmax().item<std::int64_t>(), (kCentre + 5) * 33 + kCentre + 3);
}

TEST_P(DrawingRules, TheFootprintIsExactlyWhereAlphaReachesOneIn255) {
  for (const double opacity : {0.99, 0.3, 0.02, 0.0045}) {
    const Blob blob{.scale_mm = 0.31, .opacity = opacity};
    const RenderOutput out = draw({blob});
    const double sharp = variance_px2(blob), variance = sharp + 0.3, peak = opacity * sharp / variance;
    for (int y = 0; y < 33; ++y) {
      for (int x = 0; x < 33; ++x) {
        const double r2 = (x - kCentre) * (x - kCentre) + (y - kCentre) * (y - kCentre);
        const double expected = peak * std::exp(-0.5 * r2 / variance);
        if (std::abs(expected * 255 - 1) < 1e-4) continue;  // the rounding of the exponent decides
        EXPECT_EQ(alpha(out, x, y) > 0, expected >= 1.0 / 255) << opacity << " at " << x << ", " << y;
      }
    }
  }
}

TEST_P(DrawingRules, TwoGaussiansAreJoinedByTheOverOperator) {
  const Blob front{.position_mm = {0, 0, 10}, .scale_mm = 2, .opacity = 0.6, .colour = {1, 0, 0}};
  const Blob back{.position_mm = {0, 0, 20}, .scale_mm = 2, .opacity = 0.5, .colour = {0, 1, 0}};
  const double a = 0.6 * variance_px2(front) / (variance_px2(front) + 0.3);
  const double b = 0.5 * variance_px2(back) / (variance_px2(back) + 0.3);
  for (const auto& order : {std::vector<Blob>{front, back}, std::vector<Blob>{back, front}}) {
    const RenderOutput out = draw(order);
    EXPECT_NEAR(rgb(out, 0), a, 3e-6);
    EXPECT_NEAR(rgb(out, 1), (1 - a) * b, 3e-6);
    EXPECT_NEAR(alpha(out), 1 - (1 - a) * (1 - b), 3e-6);
    EXPECT_NEAR(depth(out), a * 10 + (1 - a) * b * 20, 5e-5);
  }
}

TEST_P(DrawingRules, AlphaIsCapped) {
  EXPECT_NEAR(alpha(draw({Blob{.scale_mm = 5, .opacity = 1.0}})), 0.99, 1e-6);
}

TEST_P(DrawingRules, TheGaussianThatWouldExhaustThePixelIsNotDrawnAndClosesIt) {
  // T = 0.015, then 2.25e-4; the third would leave 3.4e-6, and the faint fourth comes too late.
  std::vector<Blob> blobs;
  const double opacity = 0.985;
  for (const double z : {10.0, 11.0, 12.0}) {
    blobs.push_back({.position_mm = {0, 0, z}, .scale_mm = 5, .opacity = opacity, .colour = {1, 1, 1}});
  }
  blobs.push_back({.position_mm = {0, 0, 13}, .scale_mm = 5, .opacity = 0.1, .colour = {1, 1, 1}});
  const RenderOutput out = draw(blobs, plain_camera(), false);
  EXPECT_NEAR(alpha(out), 1 - 0.015 * 0.015, 2e-7);
  EXPECT_NEAR(rgb(out, 0), 1 - 0.015 * 0.015, 2e-6);
}

TEST_P(DrawingRules, EqualDepthsKeepIndexOrder) {
  const Blob red{.scale_mm = 2, .opacity = 0.8, .colour = {1, 0, 0}};
  const Blob green{.scale_mm = 2, .opacity = 0.8, .colour = {0, 1, 0}};
  const Blob far{.position_mm = {0.5, 0, 30}, .scale_mm = 1};  // gives the depth range an extent
  EXPECT_GT(rgb(draw({red, green}), 0), 0.7);
  EXPECT_GT(rgb(draw({green, red}), 1), 0.7);
  EXPECT_GT(rgb(draw({far, red, green}), 0), 0.7);
  EXPECT_GT(rgb(draw({green, far, red}), 1), 0.7);
}

TEST_P(DrawingRules, OrderIsThatOfTheConditionalMean) {
  // B pushes the nearer centre behind the other: d = (0, 0, 1), u = 1, mean z = 10 + 5.
  Blob pushed{.position_mm = {0, 0, 10}, .scale_mm = 2, .opacity = 0.9, .colour = {1, 0, 0}, .a = 1};
  pushed.b[2][2] = 5;
  const Blob other{.position_mm = {0, 0, 12}, .scale_mm = 2, .opacity = 0.9, .colour = {0, 1, 0}};
  const RenderOutput out = draw({pushed, other});
  EXPECT_GT(rgb(out, 1), 0.85);
  EXPECT_LT(rgb(out, 0), 0.1);
}

TEST_P(DrawingRules, SlicingMovesTheMeanAndFadesTheOpacity) {
  // d = (0, 0, 1), mu_d = (0.3, 0, 0.4), A = 2 I: u = (-0.15, 0, 0.3).
  Blob blob{.scale_mm = 1, .opacity = 0.8, .direction_mean = {0.3, 0, 0.4}, .a = 2};
  blob.b[0][0] = -2;  // mean x += 0.3 mm = 3 px
  blob.b[1][2] = 1;   // mean y += 0.3 mm = 3 px
  const RenderOutput out = draw({blob}, plain_camera(), false);
  EXPECT_EQ(out.alpha[0].flatten().argmax().item<std::int64_t>(), (kCentre + 3) * 33 + kCentre + 3);
  EXPECT_NEAR(alpha(out, kCentre + 3, kCentre + 3), 0.8 * std::exp(-0.35 * (0.15 * 0.15 + 0.3 * 0.3)), 2e-5);
}

TEST_P(DrawingRules, ColourFollowsTheDirectionFromTheCameraToTheCentre) {
  // Looking along +z: SH(d) = k0 c0 + k1 c2, and never below zero.
  Blob blob{.scale_mm = 5, .opacity = 0.5, .colour = {0.5, 0.5, 0.5}};
  blob.sh_linear = {9, 9, 9, 0.4, -0.4, -3, 9, 9, 9};
  const RenderOutput out = draw({blob}, plain_camera(), false);
  EXPECT_NEAR(rgb(out, 0), 0.5 * (0.5 + 0.48860251 * 0.4), 2e-6);
  EXPECT_NEAR(rgb(out, 1), 0.5 * (0.5 - 0.48860251 * 0.4), 2e-6);
  EXPECT_EQ(rgb(out, 2), 0);
}

TEST_P(DrawingRules, NearerThanTheNearPlaneIsCulled) {
  const auto at = [&](double z) {
    return alpha(draw({Blob{.position_mm = {0, 0, z}, .scale_mm = z, .opacity = 0.9}}));
  };
  EXPECT_GT(at(0.0101), 0.8);
  EXPECT_EQ(at(0.0099), 0);
  EXPECT_EQ(at(-10), 0);
}

// Far to the side the projection's slope is held at 15 % beyond the image, so the footprint does not explode:
// sigma_x^2 = (f s / z)^2 (1 + slope^2) with the clamped slope.
TEST_P(DrawingRules, TheJacobianIsClampedBeyondTheImage) {
  const double z = 10, scale = 6, x = -8;
  const Camera camera = plain_camera();
  const double limit = (16.5 + 0.15 * 33) / 100, slope = std::min(limit, 0.8);
  const double variance = std::pow(100 * scale / z, 2) * (1 + slope * slope) + 0.3;
  const RenderOutput out =
      draw({Blob{.position_mm = {x, 0, z}, .scale_mm = scale, .opacity = 0.9}}, camera, false);
  const double dx = kCentre + 0.5 - (16.5 + 100 * x / z);
  EXPECT_NEAR(alpha(out), 0.9 * std::exp(-0.5 * dx * dx / variance), 2e-5);
}

}  // namespace
}  // namespace renderfm::raster
