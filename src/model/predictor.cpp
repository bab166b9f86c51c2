#include "renderfm/model/predictor.h"

#include <algorithm>
#include <cmath>

#include "renderfm/gaussian/priming.h"
#include "renderfm/medium/collect_foreground.h"
#include "renderfm/model/correction.h"
#include "renderfm/model/network_input.h"
#include "renderfm/model/scene_medium.h"

namespace renderfm {
namespace {

/// The most visible `limit` voxels: the least exposed go first, ties by storage order.
std::vector<std::uint8_t> most_exposed(const Foreground& foreground, std::int64_t limit) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(foreground.size()));
  for (std::size_t n = 0; n < order.size(); ++n) order[n] = static_cast<std::int64_t>(n);
  std::nth_element(order.begin(), order.begin() + limit, order.end(), [&](std::int64_t a, std::int64_t b) {
    const float exposure_a = foreground.exposure[a], exposure_b = foreground.exposure[b];
    return exposure_a != exposure_b ? exposure_a > exposure_b : a < b;
  });
  std::vector<std::uint8_t> keep(order.size(), 0);
  for (std::int64_t n = 0; n < limit; ++n) keep[order[n]] = 1;
  return keep;
}

}  // namespace

Prediction predict(const Scene& scene, const TransferFunction& tf, const PredictOptions& options,
                   const Network* network) {
  const auto [medium, sphere] = make_scene_medium(scene, tf, options.organs);
  Foreground foreground = collect_foreground(medium, scene.labels);
  Prediction prediction;
  prediction.foreground_voxels = foreground.size();
  if (foreground.size() > options.max_gaussians) {
    prediction.pruned = foreground.size() - options.max_gaussians;
    foreground = select(foreground, most_exposed(foreground, options.max_gaussians));
    prediction.least_exposure_kept =
        foreground.exposure.empty()
            ? 0
            : *std::min_element(foreground.exposure.begin(), foreground.exposure.end());
  }
  torch::Tensor raw = start_channels(foreground, network != nullptr ? network->plan().start : options.start);
  if (network != nullptr) {
    const torch::Tensor residual =
        network->residual(scene.ct.geometry.shape_zyx, network_input(medium, network->plan()),
                          torch::tensor(torch::ArrayRef<std::int64_t>(foreground.voxel)));
    raw = corrected(raw, residual, network->plan().least_sigma_voxels);
  }
  prediction.gaussians = gaussians_from_raw(raw, foreground);
  prediction.gaussians.view_sphere = sphere;
  prediction.gaussians.transfer_function = tf.name;
  prediction.gaussians.model = network != nullptr ? network->label() : name_of(options.start);
  return prediction;
}

}  // namespace renderfm
