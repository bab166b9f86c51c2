// The interactive viewer as one HTML file that needs nothing else: page, Gaussians, and a still picture for
// where they cannot be drawn.
#pragma once

#include <filesystem>
#include <vector>

#include "renderfm/gaussian/gaussian_set.h"

namespace renderfm {

/// More than these make a page heavy for phones; the default of programs that write one from a CT.
inline constexpr std::int64_t kPageGaussians = 500000;

/// One set per transfer function, with a switch where there are several. Atomic. Holds names of organs and
/// transfer functions and no other text of the scan. Throws kBadInput for empty sets.
void write_html(const std::vector<GaussianSet>& sets, const std::filesystem::path& path);

}  // namespace renderfm
