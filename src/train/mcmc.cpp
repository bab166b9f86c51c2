#include "renderfm/train/mcmc.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/math/rng.h"
#include "renderfm/train/densify.h"

namespace renderfm {
namespace {

constexpr std::int64_t kGrain = 4096;
constexpr int kMostCopies = 51;  // of the authors: beyond them opacities are next to nothing
// The authors' gate of the noise: a logistic step around the opacity of a dead Gaussian.
constexpr float kGateSteepness = 100;
constexpr float kLeastGate = 1e-6F;
// Kinds of random numbers of one step.
enum Draw : std::uint64_t { kNoise, kMove, kAdd };

torch::Tensor gradient_of(const torch::Tensor& leaf) {
  torch::Tensor gradient = leaf.grad().defined() ? leaf.grad().contiguous() : torch::zeros_like(leaf);
  leaf.mutable_grad() = gradient;
  return gradient;
}

/// `count` indices out of `candidates`, each with a probability proportional to its opacity; how often each
/// Gaussian was drawn.
std::vector<int> drawn(const std::vector<std::int64_t>& candidates, const float* opacity, std::int64_t size,
                       std::int64_t count, std::uint64_t seed) {
  std::vector<double> up_to;
  double sum = 0;
  for (const std::int64_t n : candidates) up_to.push_back(sum += static_cast<double>(opacity[n]));
  std::vector<int> times(static_cast<std::size_t>(size), 0);
  for (std::int64_t i = 0; i < count; ++i) {
    const double at = sum * unit_from_bits<double>(hash64(seed, static_cast<std::uint64_t>(i)));
    const auto found = std::upper_bound(up_to.begin(), up_to.end(), at) - up_to.begin();
    const auto last = static_cast<std::ptrdiff_t>(candidates.size()) - 1;
    ++times[static_cast<std::size_t>(candidates[static_cast<std::size_t>(std::min(found, last))])];
  }
  return times;
}

/// Takes the Gaussians in `gone` out and stands 1 + times[n] corrected copies where Gaussian n stood.
void multiply(GaussianOptimizer& optimizer, const std::vector<int>& times,
              const std::vector<std::uint8_t>& gone) {
  const GaussianSet set = optimizer.snapshot();
  const float* const opacity = set.opacity.const_data_ptr<float>();
  std::vector<std::int64_t> kept, parents;
  std::vector<Relocated> become;
  for (std::int64_t n = 0; n < set.size(); ++n) {
    const auto at = static_cast<std::size_t>(n);
    if (times[at] == 0) {
      if (gone[at] == 0) kept.push_back(n);
      continue;
    }
    const Relocated copy = relocated(static_cast<double>(opacity[n]), std::min(kMostCopies, 1 + times[at]));
    for (int i = 0; i <= times[at]; ++i) {
      parents.push_back(n);
      become.push_back(copy);
    }
  }
  const auto indices = [](const std::vector<std::int64_t>& values) {
    return torch::tensor(torch::ArrayRef<std::int64_t>(values), torch::kInt64);
  };
  GaussianSet born = set.select(indices(parents));
  float* const born_opacity = born.opacity.data_ptr<float>();
  float* const born_chol = born.chol.data_ptr<float>();
  for (std::size_t i = 0; i < become.size(); ++i) {
    born_opacity[i] = static_cast<float>(become[i].opacity);
    float* const chol = born_chol + layout::kCholCount * i;
    for (int row = 0; row < 3; ++row) {
      for (int column = 0; column <= row; ++column) {
        chol[layout::c_index(row, column)] *= static_cast<float>(become[i].scale);
      }
    }
  }
  optimizer.replace(indices(kept), born);
}

}  // namespace

McmcOptions scaled_to(McmcOptions options, int steps) {
  const double share = static_cast<double>(steps) / kDensitySteps;
  const auto scale = [&](int value) { return static_cast<int>(std::lround(value * share)); };
  options.first_step = scale(options.first_step);
  options.last_step = scale(options.last_step);
  options.every = std::max(1, scale(options.every));
  return options;
}

Relocated relocated(double opacity, int copies) {
  RFM_CHECK(opacity > 0 && opacity < 1 && copies > 0, "{} copies of opacity {} cannot stand in for one",
            copies, opacity);
  Relocated result;
  result.opacity = -std::expm1(std::log1p(-opacity) / copies);
  // Integral of 1 - (1 - a' g)^N over a line, g = exp(-x^2 / 2), by the binomial series, in units of that of
  // g: g^k is narrower by sqrt(k). The authors' double sum of binomials adds up to this one.
  double integral = 0, term = 1;
  for (int k = 1; k <= copies; ++k) {
    term *= (copies - k + 1.0) / k * result.opacity;
    integral += (k % 2 == 1 ? term : -term) / std::sqrt(static_cast<double>(k));
  }
  result.scale = opacity / integral;
  return result;
}

void Mcmc::regularise(const GaussianOptimizer& optimizer) const {
  const GaussianSet& set = optimizer.gaussians();
  const auto count = static_cast<double>(set.size());
  const auto per_opacity = static_cast<float>(options_.opacity_weight / count);
  const auto per_mm = static_cast<float>(options_.scale_weight / (3 * count * optimizer.extent_mm()));
  const float* const chol = set.chol.const_data_ptr<float>();
  const torch::Tensor opacity_gradient = gradient_of(set.opacity), chol_gradient = gradient_of(set.chol);
  float* const v_opacity = opacity_gradient.data_ptr<float>();
  float* const v_chol = chol_gradient.data_ptr<float>();
  parallel_for(0, set.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      v_opacity[n] += per_opacity;
      const float* const c = chol + layout::kCholCount * n;
      float* const v = v_chol + layout::kCholCount * n;
      // The standard deviation along axis `row` is the length of C's row.
      for (int row = 0; row < 3; ++row) {
        float squared = 0;
        for (int column = 0; column <= row; ++column) {
          squared += c[layout::c_index(row, column)] * c[layout::c_index(row, column)];
        }
        const float factor = per_mm / std::sqrt(squared);
        for (int column = 0; column <= row; ++column) {
          v[layout::c_index(row, column)] += factor * c[layout::c_index(row, column)];
        }
      }
    }
  });
}

McmcCounts Mcmc::after_step(GaussianOptimizer& optimizer, int step, double position_rate) const {
  McmcCounts counts;
  if (step >= options_.first_step && step <= options_.last_step && step % options_.every == 0) {
    // Dead ones move onto living ones.
    const auto seed_of = [&](Draw draw) {
      return hash64(seed_, static_cast<std::uint64_t>(step), static_cast<std::uint64_t>(draw));
    };
    const auto split = [&](std::vector<std::int64_t>& living, std::vector<std::uint8_t>& dead) {
      const float* const opacity = optimizer.gaussians().opacity.const_data_ptr<float>();
      dead.assign(static_cast<std::size_t>(optimizer.size()), 0);
      for (std::int64_t n = 0; n < optimizer.size(); ++n) {
        if (opacity[n] <= static_cast<float>(options_.least_opacity)) {
          dead[static_cast<std::size_t>(n)] = 1;
        } else {
          living.push_back(n);
        }
      }
      return opacity;
    };
    std::vector<std::int64_t> living;
    std::vector<std::uint8_t> dead;
    const float* opacity = split(living, dead);
    counts.moved = optimizer.size() - static_cast<std::int64_t>(living.size());
    if (living.empty()) return {};
    if (counts.moved > 0) {
      multiply(optimizer, drawn(living, opacity, optimizer.size(), counts.moved, seed_of(kMove)), dead);
    }
    const auto grown =
        static_cast<std::int64_t>((1 + options_.growth) * static_cast<double>(optimizer.size()));
    counts.added = std::max<std::int64_t>(0, std::min(options_.max_gaussians, grown) - optimizer.size());
    if (counts.added > 0) {
      living.clear();
      opacity = split(living, dead);
      std::fill(dead.begin(), dead.end(), std::uint8_t{0});
      if (living.empty()) return counts;
      multiply(optimizer, drawn(living, opacity, optimizer.size(), counts.added, seed_of(kAdd)), dead);
    }
  }
  add_noise(optimizer, step, position_rate);
  return counts;
}

void Mcmc::add_noise(GaussianOptimizer& optimizer, int step, double position_rate) const {
  const GaussianSet& set = optimizer.gaussians();
  const float* const opacity = set.opacity.const_data_ptr<float>();
  const float* const chol = set.chol.const_data_ptr<float>();
  const torch::Tensor offset = torch::zeros({set.size(), 3});
  float* const out = offset.data_ptr<float>();
  // Positions in units of the extent e: p / e moves by rate * noise * (covariance / e^2).
  const auto per_mm = static_cast<float>(position_rate * options_.noise / optimizer.extent_mm());
  const std::uint64_t seed = hash64(seed_, static_cast<std::uint64_t>(step), std::uint64_t{kNoise});
  const auto least = static_cast<float>(options_.least_opacity);
  parallel_for(0, set.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      const float gate = 1 / (1 + std::exp(kGateSteepness * (opacity[n] - least)));
      if (gate < kLeastGate) continue;
      const float* const c = chol + layout::kCholCount * n;
      float normal[3], half[3] = {0, 0, 0};
      for (int axis = 0; axis < 3; ++axis) {
        normal[axis] =
            hash_normal(hash64(seed, static_cast<std::uint64_t>(n), static_cast<std::uint64_t>(axis)));
      }
      // Covariance times normal is C (Cᵀ normal).
      for (int row = 0; row < 3; ++row) {
        for (int column = 0; column <= row; ++column)
          half[column] += c[layout::c_index(row, column)] * normal[row];
      }
      for (int row = 0; row < 3; ++row) {
        for (int column = 0; column <= row; ++column) {
          out[3 * n + row] += per_mm * gate * c[layout::c_index(row, column)] * half[column];
        }
      }
    }
  });
  optimizer.move(offset);
}

}  // namespace renderfm
