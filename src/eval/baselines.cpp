#include "renderfm/eval/baselines.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "renderfm/core/check.h"
#include "renderfm/gaussian/layout.h"
#include "renderfm/gaussian/priming.h"
#include "renderfm/math/rng.h"
#include "renderfm/math/sh.h"

namespace renderfm {
namespace {

constexpr std::array<std::pair<Method, const char*>, 7> kNames{{{Method::kPriming, "priming"},
                                                                {Method::kNetwork, "network"},
                                                                {Method::kFinetune, "finetune"},
                                                                {Method::k6dgs, "6dgs"},
                                                                {Method::k6dgsAgp, "6dgs-agp"},
                                                                {Method::k3dgsAgp, "3dgs-agp"},
                                                                {Method::kDvr, "dvr"}}};

constexpr std::array<std::pair<Density, const char*>, 4> kDensities{{{Density::kAuto, "auto"},
                                                                     {Density::kNone, "none"},
                                                                     {Density::kAdaptive, "adaptive"},
                                                                     {Density::kMcmc, "mcmc"}}};

constexpr int kFinetuneSteps = 1500;
constexpr double kStartOpacity = 0.1;    // of 3DGS
constexpr double kPlainDirection = 1e4;  // A of a Gaussian that is the same from everywhere
/// Mean distance to the three nearest of points scattered with density 1: the k-th lies at
/// (3 / 4 pi)^(1/3) Gamma(k + 1/3) / Gamma(k); 0.554, 0.739, 0.862.
constexpr double kNeighbourDistance = 0.718;

void set_diagonal(torch::Tensor& chol, int row, double value) {
  chol.select(1, layout::chol_index(row, row)).fill_(value);
}

// The same Gaussian from every side: 3DGS.
void make_plain(GaussianSet& set) {
  set.direction_mean.zero_();
  for (int row = 0; row < 6; ++row) {
    for (int column = 0; column < std::min(row + 1, 3); ++column) {
      set.chol.select(1, layout::chol_index(row, column)).fill_(row == column ? kPlainDirection : 0);
    }
  }
}

/// Rates of the authors' code (3DGS; 6DGS adds none of its own for the new six dimensions' scale, which move
/// like the spatial ones).
GaussianRates authors_rates() {
  GaussianRates rates;
  rates.position = 1.6e-4;
  rates.sh_constant = 2.5e-3;
  rates.sh_linear = 2.5e-3 / 20;
  rates.opacity_logit = 0.05;
  rates.direction_mean = 1e-3;
  rates.direction_chol = 5e-3;
  rates.shift = 1e-3;
  rates.log_scale = 5e-3;
  rates.shear = 1e-3;
  return rates;
}

}  // namespace

std::string method_name(Method method) {
  for (const auto& [known, name] : kNames) {
    if (known == method) return name;
  }
  return "";
}

std::vector<Method> all_methods() {
  std::vector<Method> methods;
  for (const auto& [method, name] : kNames) methods.push_back(method);
  return methods;
}

Method parse_method(const std::string& name) {
  std::string list;
  for (const auto& [method, known] : kNames) {
    if (name == known) return method;
    list += (list.empty() ? "" : ", ") + std::string(known);
  }
  fail_input("there is no method '{}'; there are {}", name, list);
}

bool is_per_scan(Method method) {
  return method == Method::k6dgs || method == Method::k6dgsAgp || method == Method::k3dgsAgp;
}

int steps_of(Method method, const MethodSettings& settings) {
  if (method != Method::kFinetune && !is_per_scan(method)) return 0;
  if (settings.steps > 0) return settings.steps;
  return method == Method::kFinetune ? kFinetuneSteps : kDensitySteps;
}

std::string density_name(Density density) {
  for (const auto& [known, name] : kDensities) {
    if (known == density) return name;
  }
  return "";
}

Density parse_density(const std::string& name, const std::string& where) {
  for (const auto& [density, known] : kDensities) {
    if (name == known) return density;
  }
  fail_input("{}: '{}' is no density control; there are auto, none, adaptive, mcmc", where, name);
}

GaussianSet random_start(const ViewSphere& sphere, std::int64_t count, std::uint64_t seed) {
  RFM_CHECK(count > 0, "a random start has at least one Gaussian, not {}", count);
  GaussianSet set;
  set.position_mm = torch::empty({count, 3});
  set.sh = torch::zeros({count, layout::kShCount});
  set.opacity = torch::full({count}, kStartOpacity);
  set.direction_mean = torch::zeros({count, 3});
  set.chol = torch::zeros({count, layout::kCholCount});
  set.view_sphere = sphere;
  const double half_side = sphere.radius_mm / std::numbers::sqrt3;
  float* const position = set.position_mm.data_ptr<float>();
  float* const sh = set.sh.data_ptr<float>();
  for (std::int64_t n = 0; n < count; ++n) {
    for (int k = 0; k < 3; ++k) {
      const auto number = [&](std::uint64_t what) {
        return unit_from_bits<double>(
            hash64(seed, static_cast<std::uint64_t>(n), static_cast<std::uint64_t>(k), what));
      };
      position[3 * n + k] = static_cast<float>(sphere.centre_mm[k] + half_side * (2 * number(0) - 1));
      sh[layout::kShCount * n + k] = static_cast<float>((number(1) - 0.5) / kSh0);
    }
  }
  const double size_mm = kNeighbourDistance * 2 * half_side / std::cbrt(static_cast<double>(count));
  for (int row = 0; row < 6; ++row) set_diagonal(set.chol, row, row < 3 ? kPrimedDirectionScale : size_mm);
  return set;
}

GaussianSet drawn_start(const GaussianSet& primed, std::int64_t count, std::uint64_t seed) {
  if (primed.size() <= count) return primed;
  std::vector<std::int64_t> order(static_cast<std::size_t>(primed.size()));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  for (std::int64_t n = 0; n < count; ++n) {
    const auto left = static_cast<std::uint64_t>(primed.size() - n);
    const auto other = static_cast<std::size_t>(n) + hash64(seed, static_cast<std::uint64_t>(n)) % left;
    std::swap(order[static_cast<std::size_t>(n)], order[other]);
  }
  order.resize(static_cast<std::size_t>(count));
  std::sort(order.begin(), order.end());
  GaussianSet set = primed.select(torch::tensor(torch::ArrayRef<std::int64_t>(order)));
  const double growth = std::cbrt(static_cast<double>(primed.size()) / static_cast<double>(count));
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column <= row; ++column)
      set.chol.select(1, layout::c_index(row, column)).mul_(growth);
  }
  return set;
}

GaussianSet start_of(Method method, const GaussianSet& predicted, const MethodSettings& settings) {
  switch (method) {
    case Method::k6dgs: {
      RFM_CHECK(predicted.view_sphere.has_value(), "the view sphere of the scan is not known");
      return random_start(*predicted.view_sphere, settings.start_points, settings.seed);
    }
    case Method::k6dgsAgp: return drawn_start(predicted, settings.start_points, settings.seed);
    case Method::k3dgsAgp: {
      GaussianSet set = drawn_start(predicted, settings.start_points, settings.seed);
      set.direction_mean = set.direction_mean.clone();
      set.chol = set.chol.clone();
      make_plain(set);
      return set;
    }
    default: return predicted;
  }
}

std::optional<FinetuneOptions> schedule_of(Method method, const MethodSettings& settings) {
  const int steps = steps_of(method, settings);
  if (steps == 0) return std::nullopt;
  FinetuneOptions schedule;
  schedule.seed = settings.seed;
  schedule.steps = steps;
  DensifyOptions adaptive;
  if (is_per_scan(method)) {
    schedule.rates = authors_rates();
    schedule.last_rate = 1;  // only the position's rate falls
    schedule.last_position_rate = 0.01;
    schedule.patience = 0;
    schedule.resting_share = -1;
    if (method == Method::k3dgsAgp) {
      schedule.rates.direction_mean = schedule.rates.direction_chol = schedule.rates.shift = 0;
    }
  } else {
    adaptive.lower_opacity_every = 0;  // a refinement has no time to come back from it
  }
  const bool adapts =
      settings.density == Density::kAdaptive || (settings.density == Density::kAuto && is_per_scan(method));
  if (adapts) {
    schedule.densify = scaled_to(adaptive, steps);
    schedule.densify->max_gaussians = settings.max_gaussians;
  } else if (settings.density == Density::kMcmc) {
    schedule.mcmc = scaled_to(McmcOptions{}, steps);
    schedule.mcmc->max_gaussians = settings.max_gaussians;
  }
  return schedule;
}

}  // namespace renderfm
