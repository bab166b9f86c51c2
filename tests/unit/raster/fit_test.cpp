// The whole purpose of the gradients: Gaussians that start at random learn a scene from its pictures.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/optim/adam.h>

#include <array>
#include <cmath>
#include <iostream>
#include <numbers>
#include <vector>

#include "renderfm/gaussian/layout.h"
#include "renderfm/raster/rasterize.h"
#include "unit/raster/scenes.h"

namespace renderfm::raster {
namespace {

constexpr int kSize = 64;
constexpr double kRadiusMm = 30;

// Views spread over the sphere by the golden angle.
std::vector<Camera> sphere_views(int count, double turn_deg) {
  std::vector<Camera> cameras;
  for (int v = 0; v < count; ++v) {
    const double height = (2 * v + 1.0) / count - 1;
    const double elevation = std::asin(height) * 180 / std::numbers::pi;
    cameras.push_back(
        orbit_camera({{0, 0, 0}, kRadiusMm}, turn_deg + 137.50776 * v, 0.9 * elevation, kSize, kSize));
  }
  return cameras;
}

// 150 tilted Gaussians of a few millimetres, whose opacity and colour depend on the direction.
GaussianSet known_scene() {
  GaussianSet set = test::random_set(150, 71, 3.0);
  set.position_mm *= 0.7;
  set.sh *= 0.6;
  return set;
}

/// Unconstrained parameters of a set.
struct Raw {
  torch::Tensor position, sh, opacity_logit, direction_mean, chol;  // diagonal of chol as log

  explicit Raw(std::int64_t count) {
    torch::manual_seed(72);
    const torch::Tensor direction = torch::randn({count, 3});
    position =
        0.8 * kRadiusMm * direction / direction.norm(2, {1}, true) * torch::rand({count, 1}).pow(1.0 / 3);
    sh = 0.1 * torch::randn({count, 12});
    opacity_logit = torch::full({count}, -2.0);
    direction_mean = torch::zeros({count, 3});
    chol = torch::zeros({count, 21});
    for (int row = 0; row < 6; ++row) {
      chol.select(1, layout::chol_index(row, row)).fill_(row < 3 ? std::log(3.0) : std::log(2.0));
    }
    for (torch::Tensor* tensor : {&position, &sh, &opacity_logit, &direction_mean, &chol}) {
      tensor->requires_grad_(true);
    }
  }
  GaussianSet activate() const {
    torch::Tensor diagonal = torch::zeros({21}, torch::kBool);
    for (int row = 0; row < 6; ++row) diagonal[layout::chol_index(row, row)] = true;
    GaussianSet set;
    set.position_mm = position;
    set.sh = sh;
    set.opacity = torch::sigmoid(opacity_logit);
    set.direction_mean = direction_mean;
    set.chol = torch::where(diagonal, chol.clamp(-5, 5).exp(), chol);
    return set;
  }
};

double psnr_db(const GaussianSet& set, const std::vector<Camera>& cameras, const torch::Tensor& targets) {
  const torch::NoGradGuard no_grad;
  return -10 * std::log10((rasterize(set, cameras).rgb - targets).square().mean().item<double>());
}

// Loss of the first ten steps on the machine that wrote them down; rounding differs between instruction sets.
constexpr std::array<double, 10> kGolden = {0.0191242,  0.0156341,  0.0141812,  0.0113963,  0.0100193,
                                            0.00729579, 0.00678753, 0.00656135, 0.00572705, 0.00495535};

TEST(Fit, RandomGaussiansLearnAKnownSceneFromTwentyViews) {
  at::set_num_threads(1);  // of Torch, whose tensors are small here; the rasterizer has its own
  const std::vector<Camera> train = sphere_views(20, 0), held_out = sphere_views(7, 68);
  torch::Tensor targets, held_out_targets;
  {
    const torch::NoGradGuard no_grad;
    targets = rasterize(known_scene(), train).rgb;
    held_out_targets = rasterize(known_scene(), held_out).rgb;
  }
  ASSERT_GT(targets.std().item<double>(), 0.1);

  Raw raw(2000);
  const auto group = [](const torch::Tensor& parameter, double rate) {
    return torch::optim::OptimizerParamGroup({parameter}, std::make_unique<torch::optim::AdamOptions>(rate));
  };
  torch::optim::Adam adam({group(raw.position, 0.15), group(raw.sh, 0.02), group(raw.opacity_logit, 0.05),
                           group(raw.direction_mean, 0.01), group(raw.chol, 0.02)});
  const double before = psnr_db(raw.activate(), held_out, held_out_targets);
  constexpr int kSteps = 600, kViewsPerStep = 4;
  std::vector<double> losses;
  for (int step = 0; step < kSteps; ++step) {
    const double decay = std::pow(0.05, static_cast<double>(step) / kSteps);
    static const std::array<double, 5> rates{0.15, 0.02, 0.05, 0.01, 0.02};
    for (std::size_t g = 0; g < rates.size(); ++g) {
      static_cast<torch::optim::AdamOptions&>(adam.param_groups()[g].options()).lr(rates[g] * decay);
    }
    std::vector<Camera> views;
    std::vector<std::int64_t> chosen;
    for (int v = 0; v < kViewsPerStep; ++v) {
      const int index = (step * kViewsPerStep + v) * 7 % 20;
      views.push_back(train[static_cast<std::size_t>(index)]);
      chosen.push_back(index);
    }
    adam.zero_grad();
    const torch::Tensor loss =
        (rasterize(raw.activate(), views).rgb - targets.index_select(0, torch::tensor(chosen)))
            .square()
            .mean();
    loss.backward();
    adam.step();
    losses.push_back(loss.item<double>());
  }
  const double after = psnr_db(raw.activate(), held_out, held_out_targets);
  RecordProperty("held_out_psnr_db", std::to_string(after));
  std::cout << "held-out views: " << before << " dB at random, " << after << " dB after " << kSteps
            << " steps; loss of the first ten steps:";
  for (std::size_t i = 0; i < kGolden.size(); ++i) std::cout << ' ' << losses[i];
  std::cout << '\n';
  EXPECT_GT(after, 35);
  EXPECT_LT(before, 20);
  for (std::size_t i = 0; i < kGolden.size(); ++i) {
    EXPECT_NEAR(losses[i], kGolden[i], 1e-3 * kGolden[i]) << "step " << i;
  }
}

}  // namespace
}  // namespace renderfm::raster
