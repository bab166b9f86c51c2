#include "renderfm/math/rng.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace renderfm {
namespace {

TEST(Rng, Pcg32GivesTheNumbersOfItsAuthorsDemo) {
  // Output of pcg32-demo from the PCG reference library, seed 42 and stream 54.
  Pcg32 rng(42u, 54u);
  for (const std::uint32_t expected :
       {0xa15c02b7u, 0x7b47f409u, 0xba1d3330u, 0x83d2f293u, 0xbfa4784bu, 0xcbed606eu}) {
    EXPECT_EQ(rng.next(), expected);
  }
}

TEST(Rng, SplitMix64GivesItsPublishedSequence) {
  // The first values for seed 1234567 in the reference implementation by Vigna.
  const std::uint64_t step = 0x9E3779B97F4A7C15ull, seed = 1234567;
  EXPECT_EQ(splitmix64(seed), 6457827717110365317ull);
  EXPECT_EQ(splitmix64(seed + step), 3203168211198807973ull);
  EXPECT_EQ(splitmix64(seed + 2 * step), 9817491932198370423ull);
}

TEST(Rng, UniformStaysBelowOneAndReachesAllOfItsRange) {
  EXPECT_LT(unit_from_bits<float>(~0ull), 1.0f);
  EXPECT_LT(unit_from_bits<double>(~0ull), 1.0);
  EXPECT_EQ(unit_from_bits<float>(0), 0.0f);
  EXPECT_EQ(unit_from_bits<float>(1ull << 63), 0.5f);
  EXPECT_EQ(unit_from_bits<double>(3ull << 62), 0.75);
}

struct Moments {
  double mean = 0, variance = 0, fourth = 0;
};
template <class Draw>
Moments moments(int count, const Draw& draw) {
  std::vector<double> values;
  for (int i = 0; i < count; ++i) values.push_back(draw(i));
  Moments m;
  for (const double v : values) m.mean += v / count;
  for (const double v : values) m.variance += (v - m.mean) * (v - m.mean) / count;
  for (const double v : values) m.fourth += std::pow(v - m.mean, 4) / count;
  return m;
}

constexpr int kCount = 200000;

TEST(Rng, UniformHasTheMomentsOfTheUniformDistribution) {
  Pcg32 rng = Pcg32::from(7, 1, 2);
  const Moments m = moments(kCount, [&](int) { return static_cast<double>(rng.uniform<float>()); });
  // Five standard errors: sd / sqrt(n) of the mean, sqrt((mu4 - var^2) / n) of the variance.
  EXPECT_NEAR(m.mean, 0.5, 5 * std::sqrt(1.0 / 12 / kCount));
  EXPECT_NEAR(m.variance, 1.0 / 12, 5 * std::sqrt((1.0 / 80 - 1.0 / 144) / kCount));
}

TEST(Rng, NormalHasTheMomentsOfTheNormalDistribution) {
  Pcg32 rng = Pcg32::from(7, 3);
  const Moments m = moments(kCount, [&](int) { return rng.normal<double>(); });
  EXPECT_NEAR(m.mean, 0, 5 / std::sqrt(kCount));
  EXPECT_NEAR(m.variance, 1, 5 * std::sqrt(2.0 / kCount));
  EXPECT_NEAR(m.fourth, 3, 5 * std::sqrt(96.0 / kCount));
}

TEST(Rng, NoiseByPositionHasZeroMeanAndUnitVariance) {
  const Moments m = moments(kCount, [](int i) {
    return static_cast<double>(hash_normal(hash64(5, 0, static_cast<std::uint64_t>(i))));
  });
  EXPECT_NEAR(m.mean, 0, 5 / std::sqrt(kCount));
  EXPECT_NEAR(m.variance, 1, 5 * std::sqrt(2.0 / kCount));
}

TEST(Rng, NeighbouringSeedsPixelsAndSamplesAreUncorrelated) {
  // A weak hash shows as correlation between the first numbers of neighbours.
  for (int which = 0; which < 3; ++which) {
    double product = 0;
    for (int i = 0; i < kCount; ++i) {
      const auto at = [&](std::uint64_t n) {
        return Pcg32::from(which == 0 ? n : 9, which == 1 ? n : 4, which == 2 ? n : 2).uniform<double>() -
               0.5;
      };
      product += at(static_cast<std::uint64_t>(i)) * at(static_cast<std::uint64_t>(i) + 1);
    }
    EXPECT_NEAR(product / kCount, 0, 5 * (1.0 / 12) / std::sqrt(kCount)) << "coordinate " << which;
  }
}

TEST(Rng, GeneratorsOfDifferentCoordinatesDiffer) {
  std::set<std::uint64_t> first;
  for (std::uint64_t a = 0; a < 40; ++a) {
    for (std::uint64_t b = 0; b < 40; ++b) {
      Pcg32 rng = Pcg32::from(1, a, b);
      const std::uint64_t high = rng.next();
      first.insert(high << 32 | rng.next());
    }
  }
  EXPECT_EQ(first.size(), 1600u);
}

TEST(Rng, BelowCoversEveryValueEvenly) {
  Pcg32 rng(3, 1);
  std::vector<int> seen(7, 0);
  for (int i = 0; i < kCount; ++i) {
    const std::uint32_t n = rng.below(7);
    ASSERT_LT(n, 7u);
    ++seen[n];
  }
  const double expected = kCount / 7.0;
  double chi2 = 0;
  for (const int s : seen) chi2 += (s - expected) * (s - expected) / expected;
  EXPECT_LT(chi2, 27.9);  // 6 degrees of freedom, p = 1e-4
}

}  // namespace
}  // namespace renderfm
