// Monte Carlo means and how far they may lie from the truth.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "renderfm/core/parallel.h"
#include "renderfm/math/rng.h"

namespace renderfm::pathtrace::test {

// Sanitizers are ten times slower: there the paths are walked, and elsewhere their statistics are judged.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RENDERFM_FEWER_SAMPLES 1
inline constexpr std::int64_t kFewer = 25;
#else
inline constexpr std::int64_t kFewer = 1;
#endif

/// Standard errors that a right mean stays within in 99.994 % of all seeds; the seeds are fixed.
inline constexpr double kMaxErrors = 4;

struct Estimate {
  double mean = 0, standard_error = 0;
  double errors_from(double truth) const { return std::abs(mean - truth) / standard_error; }
};

/// The mean of draw(random) over `count` (fewer under sanitizers) independent streams.
template <class Draw>
Estimate estimate(std::uint64_t seed, std::int64_t count, const Draw& draw) {
  constexpr std::int64_t kGrain = 1024;
  count = count / kFewer > 4 * kGrain ? count / kFewer : (count < 4 * kGrain ? count : 4 * kGrain);
  struct Sums {
    double value = 0, squared = 0;
  };
  std::vector<Sums> parts(static_cast<std::size_t>((count + kGrain - 1) / kGrain));
  parallel_for(0, count, kGrain, [&](std::int64_t begin, std::int64_t end) {
    Sums& sums = parts[static_cast<std::size_t>(begin / kGrain)];
    for (std::int64_t i = begin; i < end; ++i) {
      Pcg32 random = Pcg32::from(seed, static_cast<std::uint64_t>(i));
      const double value = static_cast<double>(draw(random));
      sums.value += value;
      sums.squared += value * value;
    }
  });
  Sums all;
  for (const Sums& part : parts) {
    all.value += part.value;
    all.squared += part.squared;
  }
  const auto n = static_cast<double>(count);
  const double mean = all.value / n;
  return {mean, std::sqrt(std::max(0.0, all.squared / n - mean * mean) / (n - 1))};
}

}  // namespace renderfm::pathtrace::test

#define EXPECT_MEAN(estimate, truth)                                                \
  EXPECT_LE((estimate).errors_from(truth), ::renderfm::pathtrace::test::kMaxErrors) \
      << "mean " << (estimate).mean << " +- " << (estimate).standard_error << ", truth " << (truth)
