// Looking at a set of Gaussians that may come from any file: from where, and which organs of it.
#pragma once

#include <string>
#include <vector>

#include "renderfm/gaussian/gaussian_set.h"

namespace renderfm {

/// The set's own view sphere; for a file without one, the box of the middle 99.5 % of the centres per axis.
/// Throws kBadInput for an empty set.
ViewSphere view_sphere(const GaussianSet& gaussians);

/// The Gaussians of the chosen organs (names and groups as in renderfm::select_organs for labels). Throws
/// kBadInput where the file knows no labels or nothing is left.
GaussianSet select_organs(const GaussianSet& gaussians, const std::vector<std::string>& organs);

}  // namespace renderfm
