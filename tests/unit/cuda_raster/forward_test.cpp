// The CUDA backend's images against the CPU backend's, with bands where a threshold may flip.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/cuda_emulator/launch.h"
#include "unit/cuda_raster/emulated_raster.h"

namespace renderfm::test {
namespace {

std::vector<Camera> three_cameras(int width, int height, double focal_px) {
  return {camera_around(0, 40, width, height, focal_px), camera_around(0.9, 36, width, height, focal_px),
          camera_around(-2.4, 45, width, height, focal_px)};
}

// The two backends round an exponent differently by a few units in the last place. That moves a value by
// about 1e-5, and where it crosses the 1/255 cut or the stop rule by one contribution: 1/255 of a colour up
// to about 2.5, or the last hundredth of the light.
struct Difference {
  double tight = 0;  // the greatest of those within the band of rounding
  std::size_t flips = 0;
  double flip = 0;
};
Difference compare(const std::vector<float>& a, const std::vector<float>& b, double rounding) {
  Difference d;
  EXPECT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (difference <= rounding) {
      d.tight = std::max(d.tight, difference);
    } else {
      ++d.flips;
      d.flip =
          std::isnan(difference) ? std::numeric_limits<double>::infinity() : std::max(d.flip, difference);
    }
  }
  return d;
}

void expect_same_images(const Images<float>& gpu, const Images<float>& cpu, double depth_mm) {
  const auto check = [](const char* what, const Difference& d, std::size_t count, double flip_limit) {
    EXPECT_LE(d.flips, 1 + count / 500) << what;
    EXPECT_LE(d.flip, flip_limit) << what;
  };
  check("rgb", compare(gpu.rgb, cpu.rgb, 2e-5), gpu.rgb.size(), 0.03);
  check("alpha", compare(gpu.alpha, cpu.alpha, 1e-5), gpu.alpha.size(), 0.011);
  check("depth", compare(gpu.depth, cpu.depth, 2e-5 * depth_mm), gpu.depth.size(), 0.011 * depth_mm);
}

double total(const std::vector<float>& values) {
  double sum = 0;
  for (const float v : values) sum += static_cast<double>(v);
  return sum;
}

TEST(CudaRasterForward, DrawsTiltedGaussiansInSeveralViewsAsTheCpuDoes) {
  const PlainGaussians<float> set = tilted_gaussians(1, 300);
  const std::vector<Camera> cameras = three_cameras(83, 61, 110);  // no multiple of anything
  const EmulatedRaster gpu(set, cameras);
  EXPECT_GT(total(gpu.images().alpha), 0.1 * static_cast<double>(gpu.images().alpha.size()));
  expect_same_images(gpu.images(), draw_on_cpu(set, cameras), 45);
}

TEST(CudaRasterForward, ProjectsToTheCpusBits) {
  const PlainGaussians<float> set = tilted_gaussians(2, 500);
  const Camera camera = camera_around(0.4, 40, 83, 61, 210);
  const EmulatedRaster gpu(set, {camera});
  const std::vector<raster::cuda::Splat> splats = gpu.splats();
  const std::vector<raster::cuda::CellRect> rects = gpu.rects();
  std::vector<bool> drawn_on_cpu(splats.size(), false);
  const std::vector<raster::cpu::SplatRecord<float>> records = records_on_cpu(set, camera);
  ASSERT_GT(records.size(), 100u);
  ASSERT_LT(records.size(), splats.size());
  EXPECT_EQ(gpu.totals().drawable[0], static_cast<std::int64_t>(records.size()));
  for (const raster::cpu::SplatRecord<float>& r : records) {
    drawn_on_cpu[r.index] = true;
    const float expected[] = {r.x,          r.y,   r.conic_xx, r.conic_xy, r.conic_yy,
                              r.log2_alpha, r.red, r.green,    r.blue,     r.z};
    for (int k = 0; k < 10; ++k)
      EXPECT_EQ(splats[r.index].value[k], expected[k]) << r.index << " value " << k;
    const raster::cuda::CellRect rect = rects[r.index];
    EXPECT_EQ(rect.x_begin, r.x_begin / 16);
    EXPECT_EQ(rect.y_begin, r.y_begin / 16);
    EXPECT_EQ(rect.x_end, (r.x_end + 15) / 16);
    EXPECT_EQ(rect.y_end, (r.y_end + 15) / 16);
  }
  for (std::size_t i = 0; i < rects.size(); ++i) {
    EXPECT_EQ(rects[i].x_begin < rects[i].x_end, drawn_on_cpu[i]) << i;
  }
}

TEST(CudaRasterForward, BreaksTiesOfALatticeByIndex) {
  const PlainGaussians<float> set = lattice_gaussians(9, 1.5f, 0.4f);
  const std::vector<Camera> cameras{camera_around(0, 40, 64, 64, 100)};
  const EmulatedRaster gpu(set, cameras);
  expect_same_images(gpu.images(), draw_on_cpu(set, cameras), 40);
  const std::vector<std::uint32_t> bounds = gpu.list_bounds(), pairs = gpu.list_pairs();
  ASSERT_EQ(bounds.size(), 5u);
  ASSERT_EQ(bounds.back(), pairs.size());
  std::size_t ties = 0;
  for (std::size_t list = 0; list + 1 < bounds.size(); ++list) {
    for (std::uint32_t e = bounds[list] + 1; e < bounds[list + 1]; ++e) {
      // Slices of one depth hold 81 neighbours in storage order, nearest slice first.
      ASSERT_LT(pairs[e - 1], pairs[e]);
      ties += pairs[e - 1] / 81 == pairs[e] / 81 ? 1 : 0;
    }
  }
  EXPECT_GT(ties, 1000u);
}

TEST(CudaRasterForward, StopsDeepOpaqueStacksWhereTheCpuDoes) {
  const PlainGaussians<float> set = opaque_stack(700, 0.8f);  // several rounds of 128
  const std::vector<Camera> cameras{camera_around(0, 40, 50, 40, 150), camera_around(3.1, 40, 50, 40, 150)};
  const EmulatedRaster gpu(set, cameras);
  expect_same_images(gpu.images(), draw_on_cpu(set, cameras), 40);
}

TEST(CudaRasterForward, DrawsOnePixel) {
  const PlainGaussians<float> set = tilted_gaussians(3, 40, 3.0f);
  const std::vector<Camera> cameras{camera_around(0.2, 40, 1, 1, 20)};
  const EmulatedRaster gpu(set, cameras);
  EXPECT_GT(gpu.images().alpha[0], 0.1f);
  expect_same_images(gpu.images(), draw_on_cpu(set, cameras), 40);
}

TEST(CudaRasterForward, DrawsTheSameColoursWithoutDepth) {
  const PlainGaussians<float> set = tilted_gaussians(4, 100);
  const std::vector<Camera> cameras{camera_around(0.2, 40, 40, 35, 60)};
  const EmulatedRaster with(set, cameras), without(set, cameras, {.depth = false});
  EXPECT_EQ(with.images().rgb, without.images().rgb);
  EXPECT_EQ(with.images().alpha, without.images().alpha);
  EXPECT_TRUE(without.images().depth.empty());
}

TEST(CudaRasterForward, DrawsBlackWhereThereIsNothing) {
  const std::vector<Camera> cameras = three_cameras(40, 33, 60);
  PlainGaussians<float> behind;
  for (int n = 0; n < 5; ++n) behind.add({0, 0, -1000}, 1, 0.9f);
  for (const PlainGaussians<float>& set : {PlainGaussians<float>{}, behind}) {
    const EmulatedRaster gpu(set, {cameras[0]}, {.gradients = true});
    EXPECT_EQ(gpu.totals().entries, 0);
    EXPECT_EQ(gpu.totals().drawable[0], 0);
    for (const float v : gpu.images().rgb) ASSERT_EQ(v, 0.0f);
    for (const float v : gpu.images().alpha) ASSERT_EQ(v, 0.0f);
    for (const float v : gpu.images().depth) ASSERT_EQ(v, 0.0f);
  }
}

TEST(CudaRasterForward, DropsAndCountsGaussiansWithNonFiniteNumbers) {
  const PlainGaussians<float> clean = tilted_gaussians(5, 60);
  PlainGaussians<float> dirty = clean;
  const float bad[] = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                       -std::numeric_limits<float>::infinity()};
  for (int n = 0; n < 15; ++n) {
    const std::size_t i = dirty.add({0, 0, 0}, 2, 0.9f);
    std::vector<float>* const rows[] = {&dirty.position_mm, &dirty.sh, &dirty.opacity, &dirty.direction_mean,
                                        &dirty.chol};
    std::vector<float>& plane = *rows[n % 5];
    const std::size_t stride = plane.size() / dirty.opacity.size();
    plane[i * stride + static_cast<std::size_t>(n) % stride] = bad[n / 5];
  }
  const std::vector<Camera> cameras = three_cameras(40, 33, 60);
  const EmulatedRaster gpu(dirty, cameras), expected(clean, cameras);
  EXPECT_EQ(gpu.totals().not_finite, 15);
  EXPECT_EQ(expected.totals().not_finite, 0);
  for (int v = 0; v < 3; ++v) EXPECT_EQ(gpu.totals().drawable[v], expected.totals().drawable[v]);
  EXPECT_EQ(gpu.images().rgb, expected.images().rgb);
}

TEST(CudaRasterForward, DrawsAFullBatchAsItDrawsEachViewAlone) {
  const PlainGaussians<float> set = tilted_gaussians(8, 60);
  std::vector<Camera> cameras;
  for (int v = 0; v < raster::cuda::kMaxBatchViews; ++v) {
    cameras.push_back(camera_around(0.4 * v, 30 + v, 35, 33, 50));
  }
  const EmulatedRaster together(set, cameras);
  const std::size_t area = 35 * 33;
  for (std::size_t v = 0; v < cameras.size(); ++v) {
    const EmulatedRaster alone(set, {cameras[v]});
    const float* const rgb = together.images().rgb.data() + 3 * area * v;
    const float* const depth = together.images().depth.data() + area * v;
    EXPECT_EQ(alone.images().rgb, std::vector<float>(rgb, rgb + 3 * area)) << "view " << v;
    EXPECT_EQ(alone.images().depth, std::vector<float>(depth, depth + area)) << "view " << v;
    EXPECT_EQ(alone.totals().drawable[0], together.totals().drawable[v]) << "view " << v;
  }
}

TEST(CudaRasterForward, GivesTheSameBitsWhateverTheOrderOfThreads) {
  const PlainGaussians<float> set = tilted_gaussians(6, 80);
  const std::vector<Camera> cameras = three_cameras(40, 33, 60);
  Images<float> first;
  std::vector<std::uint32_t> first_pairs;
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    renderfm::cuda::emulator::set_seed(seed);
    const EmulatedRaster gpu(set, cameras);
    if (seed == 1) {
      first = gpu.images();
      first_pairs = gpu.list_pairs();
      continue;
    }
    EXPECT_EQ(gpu.images().rgb, first.rgb) << "seed " << seed;
    EXPECT_EQ(gpu.images().depth, first.depth) << "seed " << seed;
    EXPECT_EQ(gpu.list_pairs(), first_pairs) << "seed " << seed;
  }
  renderfm::cuda::emulator::set_seed(1);
}

}  // namespace
}  // namespace renderfm::test
