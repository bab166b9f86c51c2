// A scene small enough to train on within a second: a ball of Gaussians whose true colours and opacities
// follow from the network's input, so that there is something to learn.
#pragma once

#include <torch/types.h>

#include <cmath>

#include "renderfm/gaussian/layout.h"
#include "renderfm/train/forward.h"
#include "renderfm/train/trainer.h"
#include "renderfm/train/training_sample.h"

namespace renderfm::train::test {

struct SceneSize {
  std::int64_t side = 16;  ///< of the grid, voxels
  int pixels = 32;         ///< width of a picture
  double scale() const { return static_cast<double>(side) / 16; }
};

/// Case `number`: a ball of radius 5/16 of the side, voxels of 2 mm, off the grid's centre, with `views`
/// training views and two held-out ones. The true Gaussians differ from the primed ones by what the HU
/// channel says.
inline TrainingSample small_scene(std::int64_t number, std::int64_t views = 4, const SceneSize& size = {}) {
  const std::int64_t side = size.side;
  TrainingSample sample;
  sample.name = "ball-" + std::to_string(number);
  sample.spacing_xyz_mm = {2, 2, 2};
  sample.centre_mm = {10, 20, 30};
  sample.radius_mm = 14 * size.scale();
  sample.input = torch::zeros({6, side, side, side});
  const Vec3d centre = Vec3d{7.0 + static_cast<double>(number % 3), 8.0, 7.5} * size.scale();
  std::vector<std::int64_t> voxels;
  std::vector<float> position, hu;
  auto input = sample.input.accessor<float, 4>();
  for (std::int64_t k = 0; k < side; ++k) {
    for (std::int64_t j = 0; j < side; ++j) {
      for (std::int64_t i = 0; i < side; ++i) {
        const Vec3d at{static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)};
        const double value =
            std::sin(0.7 * at.x + 0.4 * at.y + static_cast<double>(number)) * std::cos(0.5 * at.z);
        input[0][k][j][i] = static_cast<float>(value);
        if (norm(at - centre) > 5 * size.scale()) continue;
        for (int channel = 1; channel < 6; ++channel) input[channel][k][j][i] = channel == 5 ? 1.0F : 0.5F;
        voxels.push_back((k * side + j) * side + i);
        hu.push_back(static_cast<float>(value));
        for (int axis = 0; axis < 3; ++axis) {
          position.push_back(static_cast<float>(sample.centre_mm[axis] + 2 * (at[axis] - (side - 1) / 2.0)));
        }
      }
    }
  }
  const auto count = static_cast<std::int64_t>(voxels.size());
  sample.voxels = torch::tensor(voxels, torch::kInt64);
  sample.position_mm = torch::tensor(position).reshape({count, 3});
  sample.start = torch::zeros({count, layout::kChannels});
  sample.start.select(1, layout::kOpacityLogit).fill_(-1);
  // Unequal on purpose: a mix-up of axes shows.
  for (int axis = 0; axis < 3; ++axis) {
    sample.start.select(1, layout::kDirectionMean + axis).fill_(0.2F + 0.3F * static_cast<float>(axis));
    sample.start.select(1, layout::kChol + layout::a_index(axis, axis)).fill_(0.5F);
    sample.start.select(1, layout::kChol + layout::c_index(axis, axis)).fill_(-0.5F);
  }
  const torch::Tensor signal = torch::tensor(hu);
  torch::Tensor truth = sample.start.clone();
  truth.select(1, layout::kSh).add_(signal, 1.5);
  truth.select(1, layout::kSh + 1).sub_(signal, 1.0);
  truth.select(1, layout::kOpacityLogit).add_(signal, 1.0);

  const auto pictures = [&](std::int64_t count_of_views, double first_azimuth) {
    Pictures result;
    for (std::int64_t v = 0; v < count_of_views; ++v) {
      result.cameras.push_back(
          orbit_camera({sample.centre_mm, sample.radius_mm}, first_azimuth + 77.0 * static_cast<double>(v),
                       20.0 - 13.0 * static_cast<double>(v), size.pixels, size.pixels - 4));
      result.cameras.back().cx += 1.5;  // off the middle
    }
    const raster::RenderOutput drawn = draw_all(truth, sample, result.cameras);
    result.rgb = drawn.rgb.clamp(0, 1);
    result.alpha = drawn.alpha;
    result.depth_mm = at::where(drawn.alpha > 0.01, drawn.depth / drawn.alpha, torch::zeros({}));
    return result;
  };
  sample.train = pictures(views, 10);
  sample.test = pictures(2, 45);
  return sample;
}

inline TrainingData small_data(std::int64_t cases) {
  TrainingData data;
  for (std::int64_t i = 0; i < cases; ++i) data.train.names.push_back("ball-" + std::to_string(i));
  data.train.load = [](std::int64_t index) { return small_scene(index); };
  return data;
}

/// 4 features, 16³ voxels; a step takes milliseconds.
inline TrainConfig small_config(std::int64_t steps) {
  TrainConfig config;
  config.name = "small";
  config.device = "cpu";
  config.plan.patch_zyx = {16, 16, 16};
  config.plan.network.base_features = 4;
  config.plan.network.stages = 2;
  config.optimizer.steps = steps;
  config.optimizer.batch = 2;
  config.optimizer.views = 2;
  config.optimizer.lr = 3e-3;
  config.optimizer.warmup_steps = 2;
  config.log_every = 1;
  config.validation.every = 0;
  config.checkpoint.every = 1000;
  config.timeout_s = 60;
  config.finish();
  return config;
}

}  // namespace renderfm::train::test
