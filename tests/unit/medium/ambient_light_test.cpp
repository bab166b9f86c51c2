#include "renderfm/medium/ambient_light.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "renderfm/core/parallel.h"
#include "renderfm/math/srgb.h"
#include "renderfm/medium/collect_foreground.h"

namespace renderfm {
namespace {

constexpr std::int64_t kSide = 40;
constexpr double kSpacing_mm = 1;

/// A cube of air in which `solid(x, y, z)` voxels are opaque bone.
Medium make_medium(const std::function<bool(std::int64_t, std::int64_t, std::int64_t)>& solid,
                   double opacity) {
  CtVolume ct;
  ct.geometry.shape_zyx = {kSide, kSide, kSide};
  ct.geometry.spacing_zyx_mm = {kSpacing_mm, kSpacing_mm, kSpacing_mm};
  ct.voxels.assign(static_cast<std::size_t>(ct.geometry.voxel_count()), kMinHu);
  LabelVolume labels;
  labels.geometry = ct.geometry;
  labels.voxels.assign(ct.voxels.size(), 0);
  labels.names = {{202, "bone"}};
  for (std::int64_t k = 0; k < kSide; ++k) {
    for (std::int64_t j = 0; j < kSide; ++j) {
      for (std::int64_t i = 0; i < kSide; ++i) {
        if (!solid(i, j, k)) continue;
        ct.at(k, j, i) = 1000;
        labels.at(k, j, i) = 202;
      }
    }
  }
  TransferFunction tf;
  tf.layers = {{{"all"}, {{0, 0}, {500, opacity}}, {{0, {1, 1, 1}}}, {}}};
  std::array<bool, 256> organs{};
  organs.fill(true);
  return Medium(ct, labels, tf, organs);
}

AmbientLight light_at(const Medium& medium, std::int64_t i, std::int64_t j, std::int64_t k) {
  return compute_ambient_light(medium, {medium.geometry().offset(k, j, i)});
}

TEST(AmbientLight, ReachesAnOpenFlatSurfaceWhole) {
  // A slab that fills the lower half: its surface sees the whole hemisphere above. 54 directions integrate
  // the cosine over a hemisphere to within 5 %.
  const Medium medium = make_medium([](auto, auto, auto k) { return k < kSide / 2; }, 0.999);
  const AmbientLight light = light_at(medium, kSide / 2, kSide / 2, kSide / 2 - 1);
  EXPECT_NEAR(light.received[0], 1, 0.08);
  EXPECT_GT(light.exposure[0], 0.95);
}

TEST(AmbientLight, IsTheSameFromAllSixSides) {
  for (const auto& at : {std::array<std::int64_t, 3>{20, 20, 29},
                         {20, 20, 10},
                         {20, 29, 20},
                         {20, 10, 20},
                         {29, 20, 20},
                         {10, 20, 20}}) {
    const Medium cube = make_medium(
        [](auto i, auto j, auto k) {
          return std::min({i, j, k}) >= 10 && std::max({i, j, k}) < 30;
        },
        0.999);
    EXPECT_NEAR(light_at(cube, at[0], at[1], at[2]).received[0], 1, 0.08);
  }
}

TEST(AmbientLight, LeavesTheInsideOfASolidHidden) {
  const Medium medium = make_medium(
      [](auto i, auto j, auto k) {
        return std::min({i, j, k}) >= 10 && std::max({i, j, k}) < 30;
      },
      0.999);
  EXPECT_LT(light_at(medium, 20, 20, 20).exposure[0], 1e-6);
}

TEST(AmbientLight, FallsWithTheOpeningOfAHole) {
  // The bottom of a narrow shaft sees less of the sky than that of a wide one, and less than the rim.
  const auto shaft = [](std::int64_t half_width) {
    return make_medium(
        [=](auto i, auto j, auto k) {
          const bool inside = std::abs(i - kSide / 2) <= half_width && std::abs(j - kSide / 2) <= half_width;
          return k < 30 && !(inside && k >= 15);
        },
        0.999);
  };
  const double narrow = light_at(shaft(3), 20, 20, 14).received[0];
  const double wide = light_at(shaft(14), 20, 20, 14).received[0];
  EXPECT_LT(narrow, 0.35);
  EXPECT_GT(wide, narrow + 0.15);
  EXPECT_LT(wide, 0.9);
}

TEST(Foreground, ColoursWhatIsHiddenAsTheFaceOfACutAndLeavesTheRestInItsShade) {
  // A solid with a narrow shaft: its inside is only ever seen on a cut, the shaft's bottom is seen from
  // outside.
  const Medium medium = make_medium(
      [](auto i, auto j, auto k) {
        const bool shaft = std::abs(i - kSide / 2) <= 1 && std::abs(j - kSide / 2) <= 1 && k >= 15;
        return std::min({i, j, k}) >= 5 && std::max({i, j, k}) < 35 && !shaft;
      },
      0.999);
  LabelVolume labels;
  labels.geometry = medium.geometry();
  const Foreground foreground = collect_foreground(medium, labels);
  const auto lit = [&](std::int64_t i, std::int64_t j, std::int64_t k) {
    const auto at =
        std::find(foreground.voxel.begin(), foreground.voxel.end(), medium.geometry().offset(k, j, i));
    EXPECT_NE(at, foreground.voxel.end());
    return foreground.lit_srgb[static_cast<std::size_t>(at - foreground.voxel.begin())].x;
  };
  constexpr float kMostAlbedo = 0.98F;
  // Under the coat's 4 %, a cloud of that albedo returns (1 - g) / (1 + g).
  const float g = std::sqrt(1 - kMostAlbedo), face = srgb_from_linear(0.04F + 0.96F * (1 - g) / (1 + g));
  EXPECT_NEAR(lit(12, 12, 12), face, 1e-3);
  EXPECT_NEAR(lit(20, 20, 8), face, 1e-3);
  EXPECT_LT(lit(20, 20, 14), kMostAlbedo * lit(20, 20, 8));
  EXPECT_LT(lit(20, 20, 14), kMostAlbedo * lit(10, 10, 34));
}

TEST(AmbientLight, DimsByTheTransmittanceOfAThinVeil) {
  // Ten voxels of extinction 0.1 / mm above: exposure is exp(-1) straight from above.
  const Medium medium = make_medium([](auto, auto, auto k) { return k >= 10 && k < 20; }, 1 - std::exp(-0.1));
  const AmbientLight light = light_at(medium, 20, 20, 15);
  EXPECT_NEAR(light.exposure[0], std::exp(-0.1 * 4.5), 0.06);
}

TEST(AmbientLight, DoesNotDependOnTheThreadCount) {
  const Medium medium =
      make_medium([](auto i, auto j, auto k) { return (i * 7 + j * 13 + k * 29) % 11 < 3; }, 0.5);
  std::vector<std::int64_t> voxels;
  for (std::int64_t voxel = 0; voxel < medium.geometry().voxel_count(); ++voxel) {
    if (medium.foreground(voxel)) voxels.push_back(voxel);
  }
  set_thread_count(1);
  const AmbientLight one = compute_ambient_light(medium, voxels);
  for (const int threads : {2, 7}) {
    set_thread_count(threads);
    const AmbientLight several = compute_ambient_light(medium, voxels);
    EXPECT_EQ(one.received, several.received) << threads;
    EXPECT_EQ(one.exposure, several.exposure) << threads;
  }
  set_thread_count(0);
}

}  // namespace
}  // namespace renderfm
