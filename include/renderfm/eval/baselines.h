// The ways to Gaussians that are compared, each a start and a schedule of the same optimisation loop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "renderfm/gaussian/gaussian_set.h"
#include "renderfm/gaussian/priming.h"
#include "renderfm/train/finetune.h"

namespace renderfm {

enum class Method {
  kPriming,   ///< anatomy-guided priming alone
  kNetwork,   ///< the network's prediction
  kFinetune,  ///< the network's prediction (the priming where there is none), refined
  k6dgs,      ///< 6DGS from random points, adaptive density control
  k6dgsAgp,   ///< the same from points drawn from the priming
  k3dgsAgp,   ///< 3DGS from points drawn from the priming: nothing but colour depends on the direction
  kDvr,       ///< emission-absorption ray marching; no Gaussians
};

/// "priming", "network", "finetune", "6dgs", "6dgs-agp", "3dgs-agp", "dvr".
std::string method_name(Method method);
/// Throws kBadInput listing the methods.
Method parse_method(const std::string& name);
std::vector<Method> all_methods();

/// How the number of Gaussians changes while they are optimised.
enum class Density {
  kAuto,      ///< adaptive in the per-scan methods, as their authors do; none in finetune
  kNone,      ///< it does not
  kAdaptive,  ///< cloned, split and pruned (3DGS)
  kMcmc,      ///< moved and added (3DGS-MCMC)
};

struct MethodSettings {
  int steps = 0;  ///< 0: 1500 of finetune, 30000 of the per-scan methods; density control shrinks along
  std::int64_t start_points = 100000;  ///< of the per-scan methods
  std::int64_t max_gaussians = 1000000;
  Density density = Density::kAuto;
  std::string model;             ///< checkpoint for network and finetune; empty for none
  Start start = Start::kPrimed;  ///< what priming, and points drawn from it, are like
  std::uint64_t seed = 1;
};

/// True for what optimises by the authors' schedule: 6dgs, 6dgs-agp, 3dgs-agp.
bool is_per_scan(Method method);
/// Steps that the method takes under these settings; 0 where it optimises nothing.
int steps_of(Method method, const MethodSettings& settings);
/// "auto", "none", "adaptive", "mcmc".
std::string density_name(Density density);
/// Throws kBadInput, calling the value `where`.
Density parse_density(const std::string& name, const std::string& where);

/// Gaussians of random colours at random places in the cube whose corners lie on the sphere, as large as
/// their neighbours are far, faint.
GaussianSet random_start(const ViewSphere& sphere, std::int64_t count, std::uint64_t seed);

/// `count` Gaussians drawn from the primed ones without replacement, enlarged so that together they fill the
/// same volume; all of them where there are no more.
GaussianSet drawn_start(const GaussianSet& primed, std::int64_t count, std::uint64_t seed);

/// The start of a per-scan method, or of the refinement of `predicted`.
GaussianSet start_of(Method method, const GaussianSet& predicted, const MethodSettings& settings);

/// None for methods that optimise nothing. 6DGS and 3DGS run with the rates and the density control that
/// their authors publish (3DGS: Kerbl et al. 2023; spherical harmonics of degree 1), to the end.
std::optional<FinetuneOptions> schedule_of(Method method, const MethodSettings& settings);

}  // namespace renderfm
