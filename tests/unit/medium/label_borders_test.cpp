// Organs in coarse voxels whose HU are mixtures along their borders, as those of a CT are: what is drawn
// there must not show the grid.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "renderfm/pathtrace/path_tracer.h"
#include "unit/pathtrace/scenes.h"

namespace renderfm {
namespace {

constexpr std::int64_t kSize = 32;
// The fine one is left as it is; opacities are per voxel, so that nothing else tells the two apart.
constexpr double kCoarse_mm = 3, kFine_mm = 1.5;

using Depth = std::function<double(Vec3d)>;

/// A body of `inside` HU in one of `outside`, by the depth (in voxels) of a voxel's centre below its surface,
/// labelled where it is at least `label_depth` deep. From black at 50 HU to white at 400.
Medium body(const Depth& depth, double spacing_mm, double label_depth = 0, double inside = 400,
            double outside = 50) {
  TransferFunction tf;
  tf.unit_distance_mm = spacing_mm;
  tf.layers = {{{"liver"}, {{10, 0}, {80, 0.8}, {150, 0.99}}, {{50, {0, 0, 0}}, {400, {1, 1, 1}}}, {}}};
  return pathtrace::test::labelled(
      {kSize, kSize, kSize}, spacing_mm, tf,
      [&](Vec3d p) { return depth(p) >= label_depth ? std::uint8_t{1} : std::uint8_t{0}; },
      [&](Vec3d p) { return outside + (inside - outside) * std::clamp(depth(p) + 0.5, 0.0, 1.0); });
}

double below_ball(Vec3d p) {
  const double middle = 0.5 * (kSize - 1);
  return 11.3 - norm(p - Vec3d{middle, middle, middle});
}

struct Spread {
  double mean = 0, deviation = 0;
};

/// How white rays towards the middle of the ball see it.
Spread whiteness_of_ball(double spacing_mm, double label_depth) {
  constexpr int kRays = 600, kSteps = 6000;
  constexpr double kReach = 6;
  const Medium medium = body(below_ball, spacing_mm, label_depth);
  const pathtrace::PathTracer tracer(medium, {});
  const pathtrace::SoftwareMediumField field(*tracer.medium());
  const Vec3f middle{0.5F * kSize, 0.5F * kSize, 0.5F * kSize};
  const double step_mm = kReach / kSteps * spacing_mm;
  Spread spread;
  double squared = 0;
  Pcg32 random = Pcg32::from(5, 0);
  for (int n = 0; n < kRays; ++n) {
    const Vec3f d = pathtrace::sample_sphere(random.uniform<float>(), random.uniform<float>());
    double white = 0, transmittance = 1;
    for (int step = 0; step < kSteps; ++step) {
      const double r = 14.3 - kReach * step / kSteps;
      pathtrace::SoftwareMediumField::Material material;
      const float sigma_t = field.extinction(middle + d * static_cast<float>(r), random.next(), material);
      const double passes = std::exp(-step_mm * static_cast<double>(sigma_t));
      if (sigma_t > 0) white += transmittance * (1 - passes) * static_cast<double>(field.albedo(material).x);
      transmittance *= passes;
    }
    spread.mean += white / kRays;
    squared += white * white / kRays;
  }
  spread.deviation = std::sqrt(squared - spread.mean * spread.mean);
  return spread;
}

TEST(LabelBorders, BoneInMuscleHasNoRingsInCoarseVoxels) {
  // Measured: 6 % around 0.90 where voxels as they are give 22 % around 0.33; 1.4 % and 13 % for a label that
  // keeps 0.3 voxels inside.
  for (const double label_depth : {0.0, 0.3}) {
    const Spread coarse = whiteness_of_ball(kCoarse_mm, label_depth);
    const Spread fine = whiteness_of_ball(kFine_mm, label_depth);
    EXPECT_LT(coarse.deviation / coarse.mean, 0.4 * fine.deviation / fine.mean) << label_depth;
    EXPECT_GT(coarse.mean, 0.85) << label_depth;
  }
}

TEST(LabelBorders, RodsAndWhatEndsAtSomethingDenserKeepTheirHounsfields) {
  const auto below_rod = [](Vec3d p) { return 0.8 - std::hypot(p.x - 15.4, p.y - 16.2); };
  EXPECT_EQ(body(below_rod, kCoarse_mm).hu(), body(below_rod, kFine_mm).hu());
  EXPECT_EQ(body(below_ball, kCoarse_mm, 0, 50, 400).hu(), body(below_ball, kFine_mm, 0, 50, 400).hu());
}

TEST(LabelBorders, AHoleInAPlateStaysAHole) {
  // What is not labelled is raised beside a border only, and stays invisible: the class map has the last
  // word.
  const auto below = [](Vec3d p) {
    return std::min(2.0 - std::abs(p.z - 15.5), std::hypot(p.x - 15.5, p.y - 15.5) - 4);
  };
  const Medium medium = body(below, kCoarse_mm);
  for (std::int64_t k = 0; k < kSize; ++k) {
    EXPECT_EQ(medium.sigma_t_per_mm()[static_cast<std::size_t>(medium.geometry().offset(k, 15, 15))], 0) << k;
  }
}

}  // namespace
}  // namespace renderfm
