#include "renderfm/train/mcmc.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "renderfm/core/log.h"
#include "renderfm/core/parallel.h"
#include "renderfm/raster/rasterize.h"
#include "renderfm/train/finetune.h"
#include "support/scan_files.h"
#include "unit/raster/scenes.h"

namespace renderfm {
namespace {

/// Integral over a line of what `copies` Gaussians at one place cover, by the trapezoidal rule, which for
/// such functions is exact to rounding.
double covered(double opacity, int copies, double deviation) {
  double sum = 0;
  const double step = 0.05;
  for (double x = -12; x <= 12; x += step) {
    sum += step * (1 - std::pow(1 - opacity * std::exp(-0.5 * x * x / (deviation * deviation)), copies));
  }
  return sum;
}

TEST(Relocated, CopiesCoverWhatTheOneDid) {
  for (const double opacity : {0.006, 0.3, 0.9, 0.999}) {
    for (const int copies : {1, 2, 3, 10, 51}) {
      SCOPED_TRACE(fmt::format("{} copies of {}", copies, opacity));
      const Relocated copy = relocated(opacity, copies);
      EXPECT_NEAR(1 - std::pow(1 - copy.opacity, copies), opacity, 1e-12);
      EXPECT_NEAR(covered(copy.opacity, copies, copy.scale), covered(opacity, 1, 1), 1e-8);
    }
  }
}

TEST(Relocated, EqualsThePapersDoubleSum) {
  // Eq. 9 as printed, binomials by Pascal's rule.
  for (const int copies : {1, 2, 7, 20}) {
    const double opacity = 0.7, each = 1 - std::pow(1 - opacity, 1.0 / copies);
    double sum = 0;
    for (int i = 1; i <= copies; ++i) {
      double binomial = 1;
      for (int k = 0; k < i; ++k) {
        sum += binomial * std::pow(-1, k) * std::pow(each, k + 1) / std::sqrt(k + 1.0);
        binomial = binomial * (i - 1 - k) / (k + 1);
      }
    }
    EXPECT_NEAR(relocated(opacity, copies).scale, opacity / sum, 1e-9) << copies;
  }
  EXPECT_EQ(relocated(0.4, 1).scale, 1);
  EXPECT_THROW(relocated(1, 2), std::runtime_error);
}

TEST(Mcmc, RegularisersGradientsEqualAutograds) {
  const GaussianSet start = raster::test::random_set(60, 3);
  constexpr double kExtent = 30;
  McmcOptions options;
  options.opacity_weight = 0.3;
  options.scale_weight = 0.7;
  GaussianOptimizer optimizer(start, kExtent, {});
  const GaussianSet& set = optimizer.gaussians();
  // Onto gradients that are there, and where there are none.
  set.opacity.sum().backward();
  Mcmc(options, 1).regularise(optimizer);

  const torch::Tensor opacity = set.opacity.detach().to(torch::kFloat64).requires_grad_(true);
  const torch::Tensor chol = set.chol.detach().to(torch::kFloat64).requires_grad_(true);
  torch::Tensor deviation = torch::zeros({}, torch::kFloat64);
  for (int row = 0; row < 3; ++row) {
    const torch::Tensor c = chol.slice(1, layout::c_index(row, 0), layout::c_index(row, row) + 1);
    deviation = deviation + c.square().sum(1).sqrt().mean() / 3;
  }
  (opacity.sum() + 0.3 * opacity.mean() + 0.7 * deviation / kExtent).backward();
  EXPECT_LT((set.opacity.grad() - opacity.grad()).abs().max().item<double>(), 1e-6);
  const double largest = chol.grad().abs().max().item<double>();
  EXPECT_GT(largest, 0);
  EXPECT_LT((set.chol.grad() - chol.grad()).abs().max().item<double>(), 1e-6 * largest);
}

McmcOptions still() {
  McmcOptions options{.first_step = 1, .last_step = 9, .every = 1};
  options.noise = options.growth = 0;
  return options;
}

TEST(Mcmc, DeadGaussiansMoveOntoLivingOnesAndThePictureStays) {
  std::vector<raster::test::Blob> blobs(6);
  for (std::size_t i = 0; i < 6; ++i) {
    blobs[i].position_mm = {4.0 * static_cast<double>(i) - 10, 0, 50};
    blobs[i].opacity = i % 2 == 0 ? 0.6 : 0.001;
  }
  GaussianSet start = raster::test::make_set(blobs);
  start.label = torch::tensor({1, 2, 3, 4, 5, 6}, torch::kUInt8);
  GaussianOptimizer optimizer(start, 100, {});
  const McmcCounts counts = Mcmc(still(), 5).after_step(optimizer, 1, 1e-4);
  EXPECT_EQ(counts.moved, 3);
  EXPECT_EQ(counts.added, 0);
  const GaussianSet after = optimizer.snapshot();
  ASSERT_EQ(after.size(), 6);
  EXPECT_GT(after.opacity.min().item<double>(), 0.005);
  // The labels of the living, whichever were drawn.
  EXPECT_EQ((after.label.remainder(2) == 1).sum().item<int>(), 6);
  const torch::NoGradGuard no_grad;
  const Camera camera = raster::test::plain_camera(64, 64);
  const torch::Tensor before = raster::rasterize(start, {camera}).rgb,
                      now = raster::rasterize(after, {camera}).rgb;
  EXPECT_GT(before.max().item<double>(), 0.2);
  // Equal in sum, nearly so at every pixel: the profile of copies is a little flatter.
  EXPECT_LT((now - before).abs().max().item<double>(), 0.03);
  EXPECT_NEAR(now.sum().item<double>(), before.sum().item<double>(), 0.02 * before.sum().item<double>());
}

TEST(Mcmc, DrawsInProportionToOpacityAndGrowsUpToTheCap) {
  std::vector<raster::test::Blob> blobs(1000);
  for (std::size_t i = 0; i < blobs.size(); ++i) {
    blobs[i].position_mm = {0, 0, 50};
    blobs[i].opacity = i < 100 ? 0.8 : i < 200 ? 0.2 : 0.001;
  }
  GaussianSet start = raster::test::make_set(blobs);
  start.label = (torch::arange(1000) >= 100).to(torch::kUInt8);
  McmcOptions options = still();
  GaussianOptimizer optimizer(start, 100, {});
  EXPECT_EQ(Mcmc(options, 5).after_step(optimizer, 1, 0).moved, 800);
  // 200 living and 800 moved, of which four in five fell on the first hundred: binomial, sd 11.
  EXPECT_NEAR((optimizer.gaussians().label == 0).sum().item<double>(), 100 + 640, 45);

  options.growth = 0.05;
  options.max_gaussians = 1080;
  const Mcmc growing(options, 5);
  EXPECT_EQ(growing.after_step(optimizer, 2, 0).added, 50);
  EXPECT_EQ(growing.after_step(optimizer, 3, 0).added, 30);
  EXPECT_EQ(growing.after_step(optimizer, 4, 0).added, 0);
  EXPECT_EQ(optimizer.size(), 1080);
  EXPECT_EQ(growing.after_step(optimizer, 10, 0).added, 0);  // the schedule is over
  EXPECT_EQ(scaled_to(McmcOptions{}, 3000).every, 10);
}

TEST(Mcmc, NoiseHasTheCovarianceOfTransparentGaussiansAndSparesOpaqueOnes) {
  constexpr int kCount = 6000;
  std::vector<raster::test::Blob> blobs(kCount);
  for (std::size_t i = 0; i < blobs.size(); ++i) blobs[i].opacity = i % 2 == 0 ? 1e-5 : 0.5;
  GaussianSet start = raster::test::make_set(blobs);
  const std::vector<std::pair<int, float>> c{{layout::c_index(0, 0), 2.0F},
                                             {layout::c_index(1, 0), 0.8F},
                                             {layout::c_index(1, 1), 1.0F},
                                             {layout::c_index(2, 1), -0.5F},
                                             {layout::c_index(2, 2), 0.7F}};
  for (const auto& [at, value] : c) start.chol.select(1, at).fill_(value);
  McmcOptions options = still();
  options.noise = 1000;
  options.first_step = 5;  // noise alone
  const auto moved = [&] {
    GaussianOptimizer optimizer(start, 50, {});
    Mcmc(options, 7).after_step(optimizer, 3, 0.02);
    EXPECT_TRUE(torch::equal(optimizer.state().unknowns.slice(1, 0, 3), optimizer.gaussians().position_mm));
    return optimizer.snapshot().position_mm - start.position_mm;
  };
  const torch::Tensor offset = moved();
  const torch::Tensor living = offset.slice(0, 1, kCount, 2), dead = offset.slice(0, 0, kCount, 2);
  EXPECT_EQ(living.abs().max().item<double>(), 0);
  const torch::Tensor factor = torch::tensor({2.0, 0.0, 0.0, 0.8, 1.0, 0.0, 0.0, -0.5, 0.7}).view({3, 3});
  const torch::Tensor covariance = factor.matmul(factor.t()).to(torch::kFloat64);
  // Rate 0.02 x noise 1000 / extent 50, times the gate at opacity 0: 1 / (1 + e^-0.5).
  const double scale = 0.02 * 1000 / 50 / (1 + std::exp(100 * (1e-5 - 0.005)));
  const torch::Tensor expected = scale * scale * covariance.matmul(covariance);
  const torch::Tensor samples = dead.to(torch::kFloat64);
  const torch::Tensor found = samples.t().matmul(samples) / (kCount / 2);
  // Standard error of a covariance of 3000 samples: up to 2.6 %.
  EXPECT_LT((found - expected).abs().max().item<double>(), 0.08 * expected.max().item<double>());
  set_thread_count(1);
  const torch::Tensor one = moved();
  set_thread_count(3);
  EXPECT_TRUE(torch::equal(one, moved()));
  set_thread_count(0);
}

TEST(Mcmc, ARunLearnsAndResumesToTheBit) {
  set_verbosity(Verbosity::kQuiet);
  const test::ScratchFolder folder;
  const ViewSphere sphere{{0, 0, 0}, 32};
  GaussianSet truth = raster::test::random_set(120, 71, 3.0);
  truth.position_mm *= 0.7;
  truth.view_sphere = sphere;
  ViewSplit views;
  {
    const torch::NoGradGuard no_grad;
    for (int v = 0; v < 8; ++v) {
      const Camera camera = orbit_camera(sphere, 45.0 * v, 20.0 * (v % 3) - 20, 40, 40);
      (v < 6 ? views.train : views.held_out)
          .push_back({camera, raster::rasterize(truth, {camera}).rgb[0].clamp(0, 1), std::to_string(v)});
    }
  }
  GaussianSet start = truth;
  start.sh = 0.5 * truth.sh;
  start.opacity = (0.4 * truth.opacity).contiguous();
  FinetuneOptions options;
  options.steps = 60;
  options.evaluations = 4;
  options.keep_best = false;
  options.mcmc = McmcOptions{.first_step = 5, .last_step = 50, .every = 5};
  options.mcmc->max_gaussians = 150;
  set_thread_count(1);
  const FinetuneResult whole = finetune(start, views, options);
  EXPECT_EQ(whole.gaussians.size(), 150);
  EXPECT_GT(whole.psnr_after_db, whole.psnr_before_db + 3);
  set_thread_count(0);

  options.state_file = folder / "run.state";
  options.save_every_s = 0;
  struct Killed {};
  const FinetuneWatch kill = [](const FinetunePoint& point) {
    if (point.step == 45) throw Killed{};
  };
  EXPECT_THROW(finetune(start, views, options, kill), Killed);
  const FinetuneResult resumed = finetune(start, views, options);
  EXPECT_TRUE(torch::equal(whole.gaussians.position_mm, resumed.gaussians.position_mm));
  EXPECT_TRUE(torch::equal(whole.gaussians.chol, resumed.gaussians.chol));
  options.mcmc->noise = 1;
  EXPECT_THROW(finetune(start, views, options), std::runtime_error);
}

}  // namespace
}  // namespace renderfm
