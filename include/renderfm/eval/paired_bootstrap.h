// How sure a difference of two methods is, when both drew the same views.
#pragma once

#include <cstdint>
#include <vector>

namespace renderfm {

struct Interval {
  double mean = 0, low = 0, high = 0;
};

/// Mean of the differences and its 95 % interval by the percentile bootstrap: groups (the views of one case,
/// which are alike) are drawn with replacement, then views within them. `groups` numbers the case of each
/// difference. Deterministic in the seed.
Interval paired_bootstrap(const std::vector<double>& differences, const std::vector<int>& groups,
                          int resamples = 10000, std::uint64_t seed = 1);

}  // namespace renderfm
