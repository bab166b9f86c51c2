// Adaptive density control (3DGS, Kerbl et al. 2023, section 5.2): Gaussians whose projection is pulled about
// are cloned or split, transparent and overgrown ones are pruned, opacities are lowered now and then.
#pragma once

#include <cstdint>

#include "renderfm/train/gaussian_optimizer.h"
#include "renderfm/view/camera.h"

namespace renderfm {

inline constexpr int kDensitySteps = 30000;  ///< of the authors' runs, which the schedules are for

/// The authors' schedule for kDensitySteps.
struct DensifyOptions {
  int first_step = 500, last_step = 15000, every = 100;
  double gradient = 2e-4;        ///< of the projected mean, in units of half an image, mean over the views
  double largest_clone = 0.01;   ///< of the extent: larger ones are split in two instead
  double least_opacity = 0.005;  ///< below it a Gaussian is pruned
  double largest = 0.1;  ///< of the extent: above it a Gaussian is pruned, once opacities were lowered
  int lower_opacity_every = 3000;  ///< to `lowered_opacity`; 0 for never
  double lowered_opacity = 0.01;
  std::int64_t max_gaussians = 1000000;  ///< the least pulled wait
};

/// The same with all steps shrunk to a run of `steps`.
DensifyOptions scaled_to(DensifyOptions options, int steps);

/// What one call of densify() did.
struct DensifyCounts {
  std::int64_t cloned = 0, split = 0, pruned = 0;
};

/// Gathers the pull on every Gaussian between two calls of densify().
class DensityControl {
 public:
  DensityControl(const DensifyOptions& options, std::uint64_t seed);

  /// After backward(), before the optimizer's step: `camera` took the only view of this step.
  void observe(const GaussianSet& gaussians, const Camera& camera);
  /// After the optimizer's step number `step` (from 1). Deterministic in seed and step.
  DensifyCounts densify(GaussianOptimizer& optimizer, int step);

  /// [N, 2] float32: sum of pulls, number of views that drew it; for resuming.
  const torch::Tensor& sums() const { return sums_; }
  void restore(const torch::Tensor& sums) { sums_ = sums; }

 private:
  DensifyOptions options_;
  std::uint64_t seed_;
  torch::Tensor sums_;
};

}  // namespace renderfm
