// Scan x transfer function x organs -> Gaussians: priming, and a network's residual on top where there is
// one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "renderfm/gaussian/gaussian_set.h"
#include "renderfm/gaussian/priming.h"
#include "renderfm/model/network.h"
#include "renderfm/volume/scene.h"

namespace renderfm {

struct PredictOptions {
  std::vector<std::string> organs{"all"};
  std::int64_t max_gaussians = 1000000;
  Start start = Start::kPrimed;  ///< without a network, whose plan says its own
};

struct Prediction {
  GaussianSet gaussians;
  std::int64_t foreground_voxels = 0;
  std::int64_t pruned = 0;         ///< left out because of max_gaussians
  double least_exposure_kept = 0;  ///< share of light by which the least visible voxel that was kept is seen
};

/// `network` may be null: then the Gaussians are the primed ones. Throws kBadInput where nothing is visible.
Prediction predict(const Scene& scene, const TransferFunction& tf, const PredictOptions& options,
                   const Network* network);

}  // namespace renderfm
