#include "renderfm/eval/paired_bootstrap.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "renderfm/core/check.h"
#include "renderfm/math/rng.h"

namespace renderfm {

Interval paired_bootstrap(const std::vector<double>& differences, const std::vector<int>& groups,
                          int resamples, std::uint64_t seed) {
  RFM_CHECK(!differences.empty() && differences.size() == groups.size() && resamples > 0,
            "{} differences in {} groups cannot be resampled", differences.size(), groups.size());
  std::map<int, std::vector<double>> by_group;
  for (std::size_t n = 0; n < differences.size(); ++n) by_group[groups[n]].push_back(differences[n]);
  std::vector<std::vector<double>> cases;
  for (auto& [group, values] : by_group) cases.push_back(std::move(values));

  std::vector<double> means;
  for (int resample = 0; resample < resamples; ++resample) {
    std::uint64_t drawn = 0;
    const auto draw = [&](std::size_t count) {
      return static_cast<std::size_t>(hash64(seed, static_cast<std::uint64_t>(resample), drawn++) % count);
    };
    double sum = 0;
    std::size_t views = 0;
    for (std::size_t c = 0; c < cases.size(); ++c) {
      const std::vector<double>& chosen = cases[draw(cases.size())];
      for (std::size_t v = 0; v < chosen.size(); ++v) sum += chosen[draw(chosen.size())];
      views += chosen.size();
    }
    means.push_back(sum / static_cast<double>(views));
  }
  std::sort(means.begin(), means.end());
  const auto percentile = [&](double share) {
    return means[static_cast<std::size_t>(share * static_cast<double>(means.size() - 1))];
  };
  const double mean =
      std::accumulate(differences.begin(), differences.end(), 0.0) / static_cast<double>(differences.size());
  return {mean, percentile(0.025), percentile(0.975)};
}

}  // namespace renderfm
