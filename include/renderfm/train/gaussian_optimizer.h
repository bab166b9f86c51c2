// Gaussians of one scan as the unknowns of an optimisation: 40 unconstrained numbers each, a rate for every
// group of them, and one fused step of Adam (Kingma and Ba 2015) that also activates.
#pragma once

#include <torch/types.h>

#include <array>
#include <cstdint>
#include <vector>

#include "renderfm/gaussian/gaussian_set.h"
#include "renderfm/gaussian/layout.h"

namespace renderfm {

/// Step sizes of Adam, in the units of the unconstrained parameters. A group whose rate is 0 is frozen.
struct GaussianRates {
  double position = 2e-4;     ///< of the extent (radius of the view sphere)
  double sh_constant = 0.01;  ///< colour seen from everywhere
  double sh_linear = 0.001;   ///< colour by direction
  double opacity_logit = 0.05;
  double direction_mean = 0.002;
  double direction_chol = 0.005;  ///< A: log diagonal, and below it
  double shift = 0.002;           ///< B, of the size of a Gaussian (median diagonal of C)
  double log_scale = 0.01;        ///< log diagonal of C
  double shear = 0.002;           ///< C below the diagonal, of the size of a Gaussian
};

/// Floats of one Gaussian: position, then the channels of layout.h with B and C in mm.
inline constexpr int kUnknowns = 3 + layout::kChannels;

class GaussianOptimizer {
 public:
  /// Labels and names of `start` ride along. `extent_mm` scales the position's rate.
  GaussianOptimizer(const GaussianSet& start, double extent_mm, const GaussianRates& rates);

  /// The activated Gaussians: leaves of autograd, changed in place by step(). CPU, float32.
  const GaussianSet& gaussians() const { return set_; }
  std::int64_t size() const { return set_.size(); }
  double extent_mm() const { return extent_mm_; }

  /// One step along the gradients that backward() left in gaussians(), then clears them. Rates are multiplied
  /// by `decay`, the position's by `position_decay`. A Gaussian whose gradients are all zero rests: nothing
  /// drew it. Equal bits for any thread count.
  void step(double decay, double position_decay);

  /// A copy outside of autograd.
  GaussianSet snapshot() const;

  /// Adaptive density control: keeps `index` [M] int64, with Adam's memory, and appends `born`, without.
  void replace(const torch::Tensor& index, const GaussianSet& born);
  /// Positions change by `offset_mm` [N, 3]; Adam does not notice.
  void move(const torch::Tensor& offset_mm);
  /// No opacity stays above `limit`; Adam forgets the opacities' past.
  void cap_opacity(double limit);

  /// Everything that a resumed run needs; the unknowns are restored to the bit.
  struct State {
    torch::Tensor unknowns, first_moment, second_moment;  ///< [N, kUnknowns] float32
    torch::Tensor steps;                                  ///< [N] int32, of each Gaussian
    torch::Tensor label;                                  ///< [N] uint8, may be undefined
    double size_mm = 1;                                   ///< the length that B and C's shear are rated by
  };
  const State& state() const { return state_; }
  void restore(const State& state);

 private:
  GaussianSet set_;
  State state_;
  double extent_mm_;
  GaussianRates rates_;
  /// Of the two moments of a Gaussian after so many steps: 1 / (1 - beta^t). No Gaussian has taken more steps
  /// than `most_steps_`.
  std::vector<std::array<float, 2>> corrections_;
  std::size_t most_steps_ = 0;

  void extend_corrections();
  void activate_all();
};

/// Unknowns [N, kUnknowns] of activated Gaussians. Opacities are kept away from 0 and 1.
torch::Tensor unknowns_of(const GaussianSet& set);

}  // namespace renderfm
