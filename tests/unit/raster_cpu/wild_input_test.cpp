// Forward and back over parameters that no training should make and some will: nothing but finite numbers
// comes out, and the threads agree to the bit.
#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "renderfm/core/parallel.h"
#include "unit/raster_cpu/drawing.h"

namespace renderfm::raster::cpu {
namespace {

using renderfm::test::PlainGaussians;
using renderfm::test::tilted_gaussians;
using test::camera_at;
using test::Drawing;

// Scales from 1e-8 to 1e6, opacities 0 and 1, positions on and behind the camera, factors near zero, and NaN
// and infinity in any place.
PlainGaussians<float> wild_gaussians(std::uint64_t seed, int count) {
  constexpr std::array<float, 8> kWild = {0.0f,
                                          1e-38f,
                                          1e-8f,
                                          1e6f,
                                          -1e6f,
                                          3e38f,
                                          std::numeric_limits<float>::infinity(),
                                          std::numeric_limits<float>::quiet_NaN()};
  PlainGaussians<float> set = tilted_gaussians(seed, count);
  for (int n = 0; n < count; ++n) {
    Pcg32 random = Pcg32::from(seed, 1000, static_cast<std::uint64_t>(n));
    const auto i = static_cast<std::size_t>(n);
    const int spoiled = static_cast<int>(random.uniform(0.0f, 3.0f));
    for (int s = 0; s < spoiled; ++s) {
      const float value = kWild[static_cast<std::size_t>(random.uniform(0.0f, 7.999f))];
      const auto column = static_cast<std::size_t>(random.uniform(0.0f, 39.999f));
      if (column < 3) {
        set.position_mm[3 * i + column] = value;
      } else if (column < 15) {
        // A colour of 1e38 is finite, but its gradient upon those behind it is not.
        set.sh[12 * i + column - 3] = value == 3e38f ? 1e12f : value;
      } else if (column < 16) {
        set.opacity[i] = value;
      } else if (column < 19) {
        set.direction_mean[3 * i + column - 16] = value;
      } else {
        set.chol[21 * i + column - 19] = value;
      }
    }
    const float scale = std::array{1e-8f, 1e-4f, 1.0f, 1.0f, 1.0f, 1e3f, 1e6f}[i % 7];
    for (int row = 0; row < 3; ++row) {
      for (int column = 0; column <= row; ++column) set.entry(i, layout::c_index(row, column)) *= scale;
    }
  }
  return set;
}

TEST(WildInput, GivesFinitePicturesAndGradients) {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    const PlainGaussians<float> set = wild_gaussians(seed, 1500);
    Drawing drawing({camera_at({0, 0, -25}, 61, 43), camera_at({1, 2, 0}, 61, 43)});
    drawing.draw(set.pointers(), true);
    drawing.undo(set.pointers());
    EXPECT_TRUE(drawing.finite()) << "seed " << seed;
    EXPECT_GT(drawing.stats.not_finite, 50);
    EXPECT_GT(drawing.stats.drawable, 500);
  }
}

TEST(WildInput, HugeGaussiansOverThePictureHaveFiniteGradients) {
  PlainGaussians<float> set;
  for (int n = 0; n < 40; ++n) {
    const std::size_t i = set.add({0, 0, static_cast<float>(n)}, 1e6f, n % 2 == 0 ? 1.0f : 0.02f);
    set.paint(i, 0.2f, 0.5f, 0.9f);
  }
  Drawing drawing({camera_at({0, 0, -5}, 70, 40)});
  drawing.draw(set.pointers(), true);
  drawing.undo(set.pointers());
  EXPECT_TRUE(drawing.finite());
  EXPECT_GT(drawing.mean_alpha(), 0.9);
}

TEST(Threads, GiveTheSameBitsForwardAndBack) {
  const PlainGaussians<float> set = tilted_gaussians(4, 12000, 0.4f);
  std::vector<Camera> cameras;
  for (int v = 0; v < 3; ++v) cameras.push_back(camera_at({2.0 * v, -1.0 * v, -25}, 97, 66));
  Drawing one(cameras), many(cameras);
  set_thread_count(1);
  one.draw(set.pointers(), true);
  one.undo(set.pointers());
  set_thread_count(5);
  many.draw(set.pointers(), true);
  many.undo(set.pointers());
  set_thread_count(0);
  EXPECT_EQ(one.planes, many.planes);
  EXPECT_EQ(one.v_position, many.v_position);
  EXPECT_EQ(one.v_sh, many.v_sh);
  EXPECT_EQ(one.v_chol, many.v_chol);
  EXPECT_GT(one.mean_alpha(), 0.2);
}

}  // namespace
}  // namespace renderfm::raster::cpu
