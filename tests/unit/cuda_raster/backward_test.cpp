// The CUDA backend's gradients against the CPU backend's, in float and in double.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/cuda_emulator/launch.h"
#include "unit/cuda_raster/emulated_raster.h"

namespace renderfm::test {
namespace {

// Worst seen: 4e-6 against float, 7e-6 against double, both of the rounding of sums and of T. One pair that
// flips at the 1/255 cut would show as about 1e-3; the seeds have none.
constexpr double kGreatest = 2e-5, kMean = 2e-5;

ImageGradients<float> random_image_gradients(std::size_t views, int width, int height, bool alpha = true,
                                             bool depth = true) {
  const std::size_t area = views * static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  Pcg32 random = Pcg32::from(99, area);
  const auto fill = [&](std::size_t count, float scale) {
    std::vector<float> values(count);
    for (float& v : values) v = random.uniform(-scale, scale);
    return values;
  };
  ImageGradients<float> v;
  v.rgb = fill(3 * area, 1.0f);
  if (alpha) v.alpha = fill(area, 1.0f);
  if (depth) v.depth = fill(area, 0.05f);
  return v;
}

template <class S>
ImageGradients<S> as(const ImageGradients<float>& v) {
  return {{v.rgb.begin(), v.rgb.end()}, {v.alpha.begin(), v.alpha.end()}, {v.depth.begin(), v.depth.end()}};
}

// Of a block of numbers: the greatest difference and the root mean square of all, relative to the greatest
// and to the root mean square of the expected ones.
template <class S>
void expect_close(const char* what, const std::vector<float>& got, const std::vector<S>& expected,
                  double greatest, double mean) {
  ASSERT_EQ(got.size(), expected.size()) << what;
  double worst = 0, scale = 0, squares = 0, scale_squares = 0;
  std::size_t worst_at = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_TRUE(std::isfinite(got[i])) << what << " " << i;
    const double reference = static_cast<double>(expected[i]);
    const double difference = std::abs(static_cast<double>(got[i]) - reference);
    if (difference > worst) worst_at = i;
    worst = std::max(worst, difference);
    scale = std::max(scale, std::abs(reference));
    squares += difference * difference;
    scale_squares += reference * reference;
  }
  EXPECT_GT(scale, 0.0) << what << ": nothing to compare";
  EXPECT_LE(worst, greatest * scale) << what << " " << worst_at << ": " << static_cast<double>(got[worst_at])
                                     << " for " << static_cast<double>(expected[worst_at]);
  EXPECT_LE(std::sqrt(squares), mean * std::sqrt(scale_squares)) << what;
}

template <class S>
void expect_close(const Gradients<float>& got, const Gradients<S>& expected, double greatest, double mean) {
  expect_close("position_mm", got.gaussians.position_mm, expected.gaussians.position_mm, greatest, mean);
  expect_close("sh", got.gaussians.sh, expected.gaussians.sh, greatest, mean);
  expect_close("opacity", got.gaussians.opacity, expected.gaussians.opacity, greatest, mean);
  expect_close("direction_mean", got.gaussians.direction_mean, expected.gaussians.direction_mean, greatest,
               mean);
  expect_close("chol", got.gaussians.chol, expected.gaussians.chol, greatest, mean);
  if (!got.poses.empty()) expect_close("poses", got.poses, expected.poses, greatest, mean);
}

std::vector<Camera> three_cameras(int width, int height, double focal_px) {
  return {camera_around(0, 40, width, height, focal_px), camera_around(0.9, 36, width, height, focal_px),
          camera_around(-2.4, 45, width, height, focal_px)};
}

TEST(CudaRasterBackward, AgreesWithTheCpuOverSeveralViews) {
  const PlainGaussians<float> set = tilted_gaussians(1, 300);
  const std::vector<Camera> cameras = three_cameras(83, 61, 110);  // no multiple of anything
  const ImageGradients<float> v = random_image_gradients(3, 83, 61);
  EmulatedRaster gpu(set, cameras, {.gradients = true});
  expect_close(gpu.backward(v), backward_on_cpu(set, cameras, v), kGreatest, kMean);
}

TEST(CudaRasterBackward, AgreesWithDoublePrecision) {
  const PlainGaussians<float> set = tilted_gaussians(2, 150);
  const std::vector<Camera> cameras = three_cameras(45, 38, 60);
  const ImageGradients<float> v = random_image_gradients(3, 45, 38);
  EmulatedRaster gpu(set, cameras, {.gradients = true});
  expect_close(gpu.backward(v), backward_on_cpu(set.as<double>(), cameras, as<double>(v)), kGreatest, kMean);
}

TEST(CudaRasterBackward, AgreesWithTheCpuForLargeDiscsOverManyCells) {
  const PlainGaussians<float> set = tilted_gaussians(3, 60, 4.0f);
  const std::vector<Camera> cameras{camera_around(0.3, 40, 97, 70, 130)};
  const ImageGradients<float> v = random_image_gradients(1, 97, 70);
  EmulatedRaster gpu(set, cameras, {.gradients = true});
  EXPECT_GT(gpu.totals().slots, 10 * set.count());
  expect_close(gpu.backward(v), backward_on_cpu(set, cameras, v), kGreatest, kMean);
}

TEST(CudaRasterBackward, AgreesWithTheCpuThroughDeepOpaqueStacks) {
  const PlainGaussians<float> set = opaque_stack(700, 0.8f);  // many rounds of 64, most never seen
  const std::vector<Camera> cameras{camera_around(0, 40, 50, 40, 150), camera_around(3.1, 40, 50, 40, 150)};
  const ImageGradients<float> v = random_image_gradients(2, 50, 40);
  EmulatedRaster gpu(set, cameras, {.gradients = true});
  expect_close(gpu.backward(v), backward_on_cpu(set, cameras, v), kGreatest, kMean);
}

TEST(CudaRasterBackward, PassesNothingThroughTheOpacityCap) {
  PlainGaussians<float> set;  // its centre is capped over several pixels, its rim is not
  set.paint(set.add({0.1f, 0.2f, 0}, 3, 1.0f), 0.9f, 0.4f, 0.2f);
  set.paint(set.add({0.4f, 0.1f, 2}, 3, 0.7f), 0.1f, 0.8f, 0.6f);
  set.low_pass_compensation = false;
  const std::vector<Camera> cameras{camera_around(0, 40, 40, 40, 60)};
  const ImageGradients<float> v = random_image_gradients(1, 40, 40);
  EmulatedRaster gpu(set, cameras, {.gradients = true});
  float greatest_alpha = 0;
  for (const float alpha : gpu.images().alpha) greatest_alpha = std::max(greatest_alpha, alpha);
  EXPECT_GT(greatest_alpha, 0.99f);
  expect_close(gpu.backward(v), backward_on_cpu(set, cameras, v), kGreatest, kMean);
}

TEST(CudaRasterBackward, DoesWithoutGradientsOfAlphaAndDepth) {
  const PlainGaussians<float> set = tilted_gaussians(4, 100);
  const std::vector<Camera> cameras{camera_around(0.2, 40, 40, 35, 60)};
  EmulatedRaster gpu(set, cameras, {.gradients = true});
  for (const bool alpha : {false, true}) {
    for (const bool depth : {false, true}) {
      const ImageGradients<float> v = random_image_gradients(1, 40, 35, alpha, depth);
      expect_close(gpu.backward(v, alpha), backward_on_cpu(set, cameras, v), kGreatest, kMean);
    }
  }
}

TEST(CudaRasterBackward, GivesExactlyZeroToWhatWasNotSeen) {
  PlainGaussians<float> set = tilted_gaussians(5, 40);
  const std::size_t seen = set.opacity.size();
  set.add({0, 0, -1000}, 1, 0.9f);                                    // behind the camera
  set.add({300, 0, 0}, 1, 0.9f);                                      // beside the image
  set.add({0, 0, 0}, 1, 1e-3f);                                       // below the cut
  set.add({0, 0, 0}, std::numeric_limits<float>::quiet_NaN(), 0.9f);  // no number
  for (int n = 0; n < 8; ++n) set.add({0, 0, -12}, 30, 0.95f);        // close every pixel
  const std::size_t hidden = set.add({0, 0, 12}, 1, 0.9f);
  const std::vector<Camera> cameras{camera_around(0, 40, 40, 35, 60)};
  EmulatedRaster gpu(set, cameras, {.gradients = true});
  const Gradients<float> v = gpu.backward(random_image_gradients(1, 40, 35));
  const auto magnitude = [&](std::size_t i) {
    float sum = std::abs(v.gaussians.opacity[i]);
    for (std::size_t k = 0; k < 3; ++k) sum += std::abs(v.gaussians.position_mm[3 * i + k]);
    for (std::size_t k = 0; k < 21; ++k) sum += std::abs(v.gaussians.chol[21 * i + k]);
    for (std::size_t k = 0; k < 12; ++k) sum += std::abs(v.gaussians.sh[12 * i + k]);
    return sum;
  };
  for (const std::size_t i : {seen, seen + 1, seen + 2, seen + 3, hidden}) EXPECT_EQ(magnitude(i), 0.0f) << i;
  EXPECT_GT(magnitude(seen + 4), 0.0f);
}

TEST(CudaRasterBackward, SumsThePosesOfThousandsOfGaussians) {
  const PlainGaussians<float> set = tilted_gaussians(7, 5000, 0.2f, 0.02f, 0.1f);
  const std::vector<Camera> cameras{camera_around(0, 40, 33, 32, 50), camera_around(1, 40, 33, 32, 50)};
  const ImageGradients<float> v = random_image_gradients(2, 33, 32);
  EmulatedRaster gpu(set, cameras, {.gradients = true});
  const Gradients<float> got = gpu.backward(v), expected = backward_on_cpu(set, cameras, v);
  expect_close("poses", got.poses, expected.poses, kGreatest, kMean);
  expect_close("position_mm", got.gaussians.position_mm, expected.gaussians.position_mm, kGreatest, kMean);
}

TEST(CudaRasterBackward, HasNothingToDoWithoutGaussians) {
  const std::vector<Camera> cameras = three_cameras(40, 33, 60);
  EmulatedRaster gpu(PlainGaussians<float>{}, cameras, {.gradients = true});
  for (const float v : gpu.backward(random_image_gradients(3, 40, 33)).poses) EXPECT_EQ(v, 0.0f);
}

TEST(CudaRasterBackward, GivesTheSameBitsWhateverTheOrderOfThreadsAndEveryTime) {
  const PlainGaussians<float> set = tilted_gaussians(6, 80);
  const std::vector<Camera> cameras = three_cameras(40, 33, 60);
  const ImageGradients<float> v = random_image_gradients(3, 40, 33);
  Gradients<float> first;
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    renderfm::cuda::emulator::set_seed(seed);
    EmulatedRaster gpu(set, cameras, {.gradients = true});
    for (int pass = 0; pass < 2; ++pass) {  // what a first pass leaves behind must not show in a second
      const Gradients<float> got = gpu.backward(v);
      if (first.poses.empty()) first = got;
      EXPECT_EQ(got.gaussians.position_mm, first.gaussians.position_mm) << "seed " << seed;
      EXPECT_EQ(got.gaussians.chol, first.gaussians.chol) << "seed " << seed;
      EXPECT_EQ(got.gaussians.sh, first.gaussians.sh) << "seed " << seed;
      EXPECT_EQ(got.poses, first.poses) << "seed " << seed;
    }
  }
  renderfm::cuda::emulator::set_seed(1);
}

}  // namespace
}  // namespace renderfm::test
