// Sizes at the ends of what is asked for: none, one, millions; one pixel and sixteen million.
#include <gtest/gtest.h>

#include <string>

#include "renderfm/core/check.h"
#include "unit/raster_cpu/drawing.h"

namespace renderfm::raster::cpu {
namespace {

using renderfm::test::PlainGaussians;
using renderfm::test::tilted_gaussians;
using test::camera_at;
using test::Drawing;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::int64_t kMany = 300'000;  // sanitizers multiply time and memory
constexpr int kLargeSide = 1024;
#else
constexpr std::int64_t kMany = 10'000'000;
constexpr int kLargeSide = 4096;
#endif

TEST(Limits, NoGaussiansDrawAndUndoToNothing) {
  const PlainGaussians<float> none;
  Drawing drawing({camera_at({0, 0, -20}, 1, 1)});
  drawing.draw(none.pointers(), true);
  drawing.undo(none.pointers());
  EXPECT_EQ(drawing.mean_alpha(), 0);
  EXPECT_EQ(drawing.v_poses.at(0).position_mm.x, 0);
}

TEST(Limits, OneGaussianOnOnePixel) {
  PlainGaussians<float> set;
  set.paint(set.add({0, 0, 0}, 1.0f, 0.5f), 1, 0.5f, 0.25f);
  Drawing drawing({camera_at({0, 0, -20}, 1, 1)});
  drawing.draw(set.pointers(), true);
  drawing.undo(set.pointers());
  EXPECT_NEAR(drawing.mean_alpha(), 0.5, 0.02);
  EXPECT_NE(drawing.v_opacity[0], 0);
}

TEST(Limits, AllBehindTheCameraIsBlackWithZeroGradients) {
  const PlainGaussians<float> set = tilted_gaussians(5, 300);
  Drawing drawing({camera_at({0, 0, 40}, 33, 20)});
  drawing.draw(set.pointers(), true);
  drawing.undo(set.pointers());
  EXPECT_EQ(drawing.stats.drawable, 0);
  EXPECT_EQ(drawing.mean_alpha(), 0);
  for (const float v : drawing.v_chol) ASSERT_EQ(v, 0);
}

TEST(Limits, ALargePictureIsDrawnAndUndone) {
  const PlainGaussians<float> set = tilted_gaussians(6, 400, 0.6f);
  Drawing drawing({camera_at({0, 0, -25}, kLargeSide, kLargeSide - 3, kLargeSide)});
  drawing.draw(set.pointers(), true);
  drawing.undo(set.pointers());
  EXPECT_GT(drawing.mean_alpha(), 0.1);
  EXPECT_TRUE(drawing.finite());
}

TEST(Limits, MillionsOfGaussiansAreDrawn) {
  const PlainGaussians<float> few = tilted_gaussians(7, 10'000, 0.05f);
  PlainGaussians<float> many;
  const auto repeat = [](const std::vector<float>& from, std::vector<float>& to) {
    const std::int64_t times = kMany / 10'000;
    to.reserve(from.size() * static_cast<std::size_t>(times));
    for (std::int64_t k = 0; k < times; ++k) to.insert(to.end(), from.begin(), from.end());
  };
  repeat(few.position_mm, many.position_mm);
  repeat(few.sh, many.sh);
  repeat(few.opacity, many.opacity);
  repeat(few.direction_mean, many.direction_mean);
  repeat(few.chol, many.chol);
  ASSERT_EQ(many.count(), kMany);
  Drawing drawing({camera_at({0, 0, -25}, 128, 128, 200)});
  drawing.draw(many.pointers(), false);
  EXPECT_GT(drawing.stats.drawable, kMany / 20);
  EXPECT_GT(drawing.mean_alpha(), 0.2);
  EXPECT_TRUE(drawing.finite());
}

TEST(Limits, WhatExceedsTheMemoryIsRefusedWithBothFigures) {
  const PlainGaussians<float> set = tilted_gaussians(8, 20'000);
  Drawing drawing({camera_at({0, 0, -25}, 64, 48)});
  // Enough for the records and not for the lists; then not even for the records.
  for (const std::int64_t limit : {std::int64_t{1'400'000}, std::int64_t{1000}}) {
    RenderSettings settings;
    settings.memory_limit_bytes = limit;
    try {
      drawing.draw(set.pointers(), false, settings);
      FAIL() << "drew with " << limit << " bytes";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kRuntime);
      EXPECT_NE(std::string(error.what()).find("20000 Gaussians in 1 view(s) of 64x48 needs"),
                std::string::npos)
          << error.what();
    }
  }
  drawing.draw(set.pointers(), false);  // and the workspace is still good
  EXPECT_GT(drawing.mean_alpha(), 0.2);
}

}  // namespace
}  // namespace renderfm::raster::cpu
