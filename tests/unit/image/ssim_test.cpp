// SSIM and PSNR against the plain formula in tensor operations, closed forms and finite differences.
#include "renderfm/image/ssim.h"

#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/types.h>

#include <cmath>
#include <vector>

#include "image/ssim_parts.h"
#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/image/psnr.h"

namespace renderfm {
namespace {

torch::Tensor random_images(torch::IntArrayRef shape, std::uint64_t seed, torch::ScalarType type) {
  torch::manual_seed(seed);
  return torch::rand(shape, torch::kFloat64).to(type);
}

// The text-book formula with a full 11x11 window and explicit zeros around the image; autograd does the rest.
torch::Tensor plain_ssim(const torch::Tensor& x, const torch::Tensor& y) {
  const torch::Tensor offsets = torch::arange(-5, 6, torch::kFloat64);
  torch::Tensor line = torch::exp(-offsets * offsets / 4.5);
  line = line / line.sum();
  const torch::Tensor window = torch::outer(line, line);
  const std::int64_t height = x.size(2), width = x.size(3);
  const auto blur = [&](const torch::Tensor& image) {
    const torch::Tensor padded = torch::constant_pad_nd(image, {5, 5, 5, 5});
    torch::Tensor sum = torch::zeros_like(image);
    for (std::int64_t i = 0; i < 11; ++i) {
      for (std::int64_t j = 0; j < 11; ++j) {
        sum = sum + padded.narrow(2, i, height).narrow(3, j, width) * window[i][j];
      }
    }
    return sum;
  };
  const torch::Tensor mx = blur(x), my = blur(y);
  const torch::Tensor vx = blur(x * x) - mx * mx, vy = blur(y * y) - my * my, c = blur(x * y) - mx * my;
  const torch::Tensor map =
      (2 * mx * my + 1e-4) * (2 * c + 9e-4) / ((mx * mx + my * my + 1e-4) * (vx + vy + 9e-4));
  return map.mean({1, 2, 3});
}

double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a.to(torch::kFloat64) - b.to(torch::kFloat64)).abs().max().item<double>();
}

class SsimSizes : public ::testing::TestWithParam<std::vector<std::int64_t>> {};

TEST_P(SsimSizes, ValueAndGradientEqualThePlainFormulaInDouble) {
  const torch::Tensor target = random_images(GetParam(), 2, torch::kFloat64);
  const torch::Tensor image =
      (0.7 * target + 0.3 * random_images(GetParam(), 1, torch::kFloat64)).requires_grad_(true);
  const torch::Tensor weight = torch::arange(1, image.size(0) + 1, torch::kFloat64);

  const torch::Tensor value = ssim(image, target);
  const torch::Tensor gradient = torch::autograd::grad({(value * weight).sum()}, {image})[0];
  const torch::Tensor expected = plain_ssim(image, target);
  const torch::Tensor expected_gradient = torch::autograd::grad({(expected * weight).sum()}, {image})[0];
  // Sums of 11 and of 121 products in another order.
  EXPECT_LT(largest_difference(value, expected), 1e-13);
  EXPECT_LT(largest_difference(gradient, expected_gradient),
            1e-12 * expected_gradient.abs().max().item<double>());

  const auto tensor = ssim_parts::forward_tensor(image.detach(), target, true);
  EXPECT_LT(largest_difference(tensor.mean, expected), 1e-13);
  EXPECT_LT(
      largest_difference(ssim_parts::backward_tensor(image.detach(), target, tensor.derivatives, weight),
                         expected_gradient),
      1e-12 * expected_gradient.abs().max().item<double>());
}

// Smaller than the window, one pixel, one band of rows, several bands, not square.
INSTANTIATE_TEST_SUITE_P(, SsimSizes,
                         ::testing::Values(std::vector<std::int64_t>{2, 3, 40, 33},
                                           std::vector<std::int64_t>{1, 1, 1, 1},
                                           std::vector<std::int64_t>{1, 3, 4, 7},
                                           std::vector<std::int64_t>{3, 2, 75, 16}));

TEST(Ssim, GradientMatchesFiniteDifferencesInDouble) {
  const torch::Tensor target = random_images({1, 2, 13, 9}, 3, torch::kFloat64);
  const torch::Tensor image = random_images({1, 2, 13, 9}, 4, torch::kFloat64).requires_grad_(true);
  const torch::Tensor gradient = torch::autograd::grad({ssim(image, target).sum()}, {image})[0].reshape({-1});
  const double step = 1e-5;  // central: an error of step squared
  for (std::int64_t i = 0; i < image.numel(); ++i) {
    torch::Tensor shift = torch::zeros_like(gradient);
    shift[i] = step;
    shift = shift.reshape(image.sizes());
    const double slope =
        (ssim(image.detach() + shift, target) - ssim(image.detach() - shift, target)).item<double>() /
        (2 * step);
    EXPECT_NEAR(gradient[i].item<double>(), slope, 1e-8) << "pixel " << i;
  }
}

TEST(Ssim, FloatAgreesWithDoubleAndEveryThreadCountGivesTheSameBits) {
  const torch::Tensor target = random_images({2, 3, 70, 50}, 5, torch::kFloat32);
  const torch::Tensor image =
      (0.8 * target + 0.2 * random_images({2, 3, 70, 50}, 6, torch::kFloat32)).requires_grad_(true);
  const torch::Tensor wide = image.detach().to(torch::kFloat64).requires_grad_(true);
  const torch::Tensor exact = ssim(wide, target.to(torch::kFloat64));
  const torch::Tensor exact_gradient = torch::autograd::grad({exact.sum()}, {wide})[0];
  torch::Tensor value, gradient;
  for (const int threads : {1, 3, 8}) {
    set_thread_count(threads);
    const torch::Tensor now = ssim(image, target);
    const torch::Tensor gradient_now = torch::autograd::grad({now.sum()}, {image})[0];
    if (value.defined()) {
      EXPECT_TRUE(torch::equal(now, value)) << threads << " threads";
      EXPECT_TRUE(torch::equal(gradient_now, gradient)) << threads << " threads";
    }
    value = now;
    gradient = gradient_now;
  }
  set_thread_count(0);
  EXPECT_LT(largest_difference(value, exact), 1e-6);  // worst seen 1e-7
  EXPECT_LT(largest_difference(gradient, exact_gradient), 2e-4 * exact_gradient.abs().max().item<double>());
}

TEST(Ssim, OfFlatImagesIsTheirLuminanceTermAwayFromTheBorder) {
  // No variance: SSIM = (2ab + C1) / (a² + b² + C1) where the window lies inside; equal images give 1
  // everywhere.
  const torch::Tensor a = torch::full({1, 1, 64, 64}, 0.5, torch::kFloat64);
  const torch::Tensor b = torch::full({1, 1, 64, 64}, 0.25, torch::kFloat64);
  EXPECT_DOUBLE_EQ(ssim(a, a).item<double>(), 1);
  const auto inside = ssim_parts::forward_tensor(a, b, true);
  const double expected = (2 * 0.125 + 1e-4) / (0.25 + 0.0625 + 1e-4);
  // d/d(G*x²) = -S / (variances + C2), and there are none.
  EXPECT_NEAR(inside.derivatives[1][0][0][32][32].item<double>(), -expected / 9e-4, 1e-9);
}

TEST(Ssim, RefusesWhatItCannotCompare) {
  const torch::Tensor image = torch::zeros({1, 3, 8, 8});
  EXPECT_THROW(ssim(image, torch::zeros({1, 3, 8, 9})), Error);
  EXPECT_THROW(ssim(image, torch::zeros({1, 3, 8, 8}).requires_grad_(true)), Error);
  EXPECT_THROW(ssim(image.to(torch::kInt), image.to(torch::kInt)), Error);
}

TEST(Psnr, IsTheLogarithmOfTheMeanSquaredErrorOfEachImage) {
  torch::Tensor image = torch::zeros({2, 3, 4, 5});
  image[0] += 0.1F;
  image[1][2] += 0.3F;  // one channel of three: mean squared error 0.03
  const torch::Tensor value = psnr_db(image, torch::zeros({2, 3, 4, 5}));
  EXPECT_NEAR(value[0].item<double>(), 20, 1e-5);
  EXPECT_NEAR(value[1].item<double>(), -10 * std::log10(0.03), 1e-5);
  EXPECT_TRUE(std::isinf(psnr_db(image, image)[0].item<double>()));
}

}  // namespace
}  // namespace renderfm
