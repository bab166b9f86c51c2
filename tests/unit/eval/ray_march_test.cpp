#include "renderfm/eval/ray_march.h"

#include <gtest/gtest.h>

#include <cmath>

#include "renderfm/core/parallel.h"

namespace renderfm {
namespace {

constexpr std::int64_t kSide = 24;
constexpr double kSpacing = 2, kOpacity = 0.03;  // per mm

/// A cube of 100 HU that fills the grid; from slice `step_at` on along y (the back) it has 500 HU.
CtVolume cube(std::int64_t step_at = kSide) {
  CtVolume ct;
  ct.geometry.shape_zyx = {kSide, kSide, kSide};
  ct.geometry.spacing_zyx_mm = {kSpacing, kSpacing, kSpacing};
  ct.voxels.assign(static_cast<std::size_t>(kSide * kSide * kSide), 100);
  for (std::int64_t k = 0; k < kSide; ++k) {
    for (std::int64_t j = step_at; j < kSide; ++j) {
      for (std::int64_t i = 0; i < kSide; ++i) ct.at(k, j, i) = 500;
    }
  }
  return ct;
}

Medium medium_of(const CtVolume& ct, double opacity_low, double opacity_high) {
  LabelVolume labels;
  labels.geometry = ct.geometry;
  labels.voxels.assign(ct.voxels.size(), 1);
  labels.names = {{1, "liver"}};
  TransferFunction tf;
  tf.name = "test";
  tf.layers = {{{"all"}, {{200, opacity_low}, {400, opacity_high}}, {{0, {0.8F, 0.5F, 0.25F}}}, {}}};
  std::array<bool, 256> everything{};
  everything.fill(true);
  return Medium(ct, labels, tf, everything);
}

/// From far in front of the patient (-y), looking back: rays are all but parallel.
Camera camera_of(const Geometry& grid) {
  Camera camera;
  camera.width = camera.height = 9;
  camera.fx = camera.fy = 9 * 100;
  camera.cx = camera.cy = 4.5;
  const double middle = 0.5 * (kSide - 1) * kSpacing;
  camera.position_mm = grid.origin_mm + Vec3d{middle, middle - 5000, middle};
  camera.rotation = Mat3d{};
  camera.rotation[0][0] = 1;
  camera.rotation[1][2] = -1;
  camera.rotation[2][1] = 1;
  return camera;
}

TEST(RayMarch, HomogeneousBlockShowsItsOpticalDepthInAmbientLight) {
  const CtVolume ct = cube();
  const Medium medium = medium_of(ct, kOpacity, kOpacity);
  const torch::Tensor image = RayMarcher(medium).draw(camera_of(ct.geometry));
  // Opacity 0.03 a mm over 48 mm; without a gradient only the ambient tenth of the colour is left.
  const double alpha = 1 - std::pow(1 - kOpacity, kSide * kSpacing);
  const RayMarchOptions options;
  EXPECT_NEAR(image[0][4][4].item<double>(), 0.8 * options.ambient * alpha, 1e-3);
  EXPECT_NEAR(image[2][4][4].item<double>(), 0.25 * options.ambient * alpha, 1e-3);
  // Half the step, the same picture: opacities are corrected for the step.
  RayMarchOptions fine;
  fine.step_voxels = 0.25;
  EXPECT_LT((RayMarcher(medium, fine).draw(camera_of(ct.geometry)) - image).abs().max().item<double>(), 1e-3);
}

TEST(RayMarch, SurfaceFacingTheEyeIsLitWhole) {
  const CtVolume ct = cube(kSide / 2);
  const Medium medium = medium_of(ct, 0, 0.999);
  const torch::Tensor image = RayMarcher(medium).draw(camera_of(ct.geometry));
  const RayMarchOptions options;
  const double lit = options.ambient + options.diffuse;
  EXPECT_NEAR(image[0][4][4].item<double>(), std::min(1.0, 0.8 * lit + options.specular), 0.02);
  EXPECT_NEAR(image[2][4][4].item<double>(), 0.25 * lit + options.specular, 0.02);
  // Outside the block there is nothing.
  Camera aside = camera_of(ct.geometry);
  aside.position_mm.x += 500;
  EXPECT_EQ(RayMarcher(medium).draw(aside).abs().max().item<double>(), 0);
}

TEST(RayMarch, DominantLabelIsThatWhichWeighsMostAlongTheRay) {
  // Label 1 in front (j < 12), label 2 behind, both 24 mm deep; opacity per mm a and b.
  CtVolume ct = cube(kSide / 2);
  LabelVolume labels;
  labels.geometry = ct.geometry;
  labels.voxels.assign(ct.voxels.size(), 1);
  for (std::int64_t k = 0; k < kSide; ++k) {
    for (std::int64_t j = kSide / 2; j < kSide; ++j) {
      for (std::int64_t i = 0; i < kSide; ++i) labels.at(k, j, i) = 2;
    }
  }
  labels.names = {{1, "liver"}, {2, "spleen"}};
  std::array<bool, 256> everything{};
  everything.fill(true);
  std::array<std::uint8_t, 256> values{};
  values[1] = 5;
  values[2] = 9;
  const auto dominant = [&](double front, double back) {
    TransferFunction tf;
    tf.name = "test";
    tf.layers = {{{"liver"}, {{0, front}, {1000, front}}, {{0, {1, 1, 1}}}, {}},
                 {{"spleen"}, {{0, back}, {1000, back}}, {{0, {1, 1, 1}}}, {}}};
    const Medium medium(ct, labels, tf, everything);
    Camera camera = camera_of(ct.geometry);
    camera.fx = camera.fy = 9 * 50;  // the outer pixels miss the cube
    return RayMarcher(medium).dominant(camera, values);
  };
  // The front takes 1 - (1 - a)^24, the back (1 - a)^24 (1 - (1 - b)^24): equal at b = 0.5 for a = 0.028.
  EXPECT_EQ(dominant(0.05, 0.5)[4][4].item<int>(), 5);
  const torch::Tensor back = dominant(0.015, 0.5);
  EXPECT_EQ(back[4][4].item<int>(), 9);
  EXPECT_EQ(back[0][0].item<int>(), 0);
}

TEST(RayMarch, ThreadsAndSkippedBlocksChangeNothing) {
  // Nothing but a small bright core: most blocks are skipped.
  CtVolume ct = cube();
  for (std::int64_t k = 9; k < 13; ++k) {
    for (std::int64_t j = 7; j < 17; ++j) {
      for (std::int64_t i = 10; i < 15; ++i) ct.at(k, j, i) = 600;
    }
  }
  const Medium medium = medium_of(ct, 0, 0.2);
  Camera camera = camera_of(ct.geometry);
  camera.fx = camera.fy = 9 * 160;
  set_thread_count(1);
  const torch::Tensor one = RayMarcher(medium).draw(camera);
  set_thread_count(3);
  EXPECT_TRUE(torch::equal(one, RayMarcher(medium).draw(camera)));
  set_thread_count(0);
  EXPECT_GT(one.max().item<double>(), 0.1);
  // Opacity everywhere, next to none: no block is skipped, the core looks the same.
  const Medium hazy = medium_of(ct, 1e-6, 0.2);
  EXPECT_LT((RayMarcher(hazy).draw(camera) - one).abs().max().item<double>(), 1e-3);
}

}  // namespace
}  // namespace renderfm
