// Density control as Markov chain Monte Carlo (3DGS-MCMC, Kheradmand et al. 2024, arXiv 2404.09591): noise
// keeps transparent Gaussians wandering, dead ones move onto living ones such that the picture stays, and the
// number grows up to a cap. An alternative to densify.h.
#pragma once

#include <cstdint>

#include "renderfm/train/gaussian_optimizer.h"

namespace renderfm {

/// The authors' schedule for 30 000 steps.
struct McmcOptions {
  int first_step = 500, last_step = 25000, every = 100;
  double growth = 0.05;          ///< of the number, every time, up to `max_gaussians`
  double least_opacity = 0.005;  ///< a Gaussian that is not above it is dead
  /// Standard deviation of the noise as a multiple of (position rate x covariance), lengths in units of the
  /// extent.
  double noise = 5e5;
  /// Of the loss: times the mean opacity; times the mean standard deviation along an axis, in extents.
  double opacity_weight = 0.01, scale_weight = 0.01;
  std::int64_t max_gaussians = 1000000;
};

/// The same with all steps shrunk to a run of `steps`.
McmcOptions scaled_to(McmcOptions options, int steps);

/// Opacity of each of `copies` Gaussians at one place that together cover the centre and, integrated over the
/// footprint, as much as one of `opacity` did; and the factor on their standard deviations (eq. 9).
struct Relocated {
  double opacity = 0, scale = 1;
};
Relocated relocated(double opacity, int copies);

/// What one step did.
struct McmcCounts {
  std::int64_t moved = 0, added = 0;
};

class Mcmc {
 public:
  Mcmc(const McmcOptions& options, std::uint64_t seed) : options_(options), seed_(seed) {}

  /// After backward(), before the optimizer's step: adds the gradients of the two regularisers.
  void regularise(const GaussianOptimizer& optimizer) const;
  /// After the optimizer's step number `step` (from 1), whose rate of position was `position_rate` extents.
  /// Deterministic in seed and step, for any thread count.
  McmcCounts after_step(GaussianOptimizer& optimizer, int step, double position_rate) const;

 private:
  McmcOptions options_;
  std::uint64_t seed_;

  void add_noise(GaussianOptimizer& optimizer, int step, double position_rate) const;
};

}  // namespace renderfm
