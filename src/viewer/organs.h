// The organs of sets of Gaussians as the page lists them.
#pragma once

#include <nlohmann/json.hpp>

#include <vector>

#include "renderfm/gaussian/gaussian_set.h"

namespace renderfm::viewer {

/// [{label, name, title, group, groups}] of all labels that occur, in the order of the panel.
nlohmann::json organ_table(const std::vector<GaussianSet>& sets);
/// [{id, title}] of the panel.
nlohmann::json organ_groups();
/// {label: "#rrggbb"}: the mean colour of each label's Gaussians, weighted by opacity.
nlohmann::json organ_colours(const GaussianSet& set);

}  // namespace renderfm::viewer
