#include "renderfm/math/fast_exp.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "renderfm/math/simd/pack_baseline.h"

namespace renderfm {
namespace {

double relative_error(float value, double truth) {
  return std::abs(static_cast<double>(value) - truth) / truth;
}

TEST(FastExp, Exp2StaysWithinItsBoundOverTheWholeRange) {
  double worst_fast = 0, worst_exact = 0;
  for (int i = -126 * 4096; i <= 126 * 4096; ++i) {
    const float x = static_cast<float>(i) / 4096.0f;
    const double truth = std::exp2(static_cast<double>(x));
    worst_fast = std::max(worst_fast, relative_error(fast_exp2(x), truth));
    worst_exact = std::max(worst_exact, relative_error(exact_exp2(x), truth));
  }
  EXPECT_LE(worst_fast, 2.5e-7);
  EXPECT_LE(worst_exact, 2.5e-7);
}

TEST(FastExp, Log2StaysWithinItsBoundForEveryExponentAndMantissa) {
  double worst = 0;
  for (int exponent = -125; exponent <= 126; ++exponent) {
    for (int i = 0; i < 4096; ++i) {
      const float x = std::ldexp(1.0f + static_cast<float>(i) / 4096.0f, exponent);
      const double truth = std::log2(static_cast<double>(x));
      const double error =
          std::abs(static_cast<double>(exact_log2(x)) - truth) / std::max(1.0, std::abs(truth));
      worst = std::max(worst, error);
    }
  }
  EXPECT_LE(worst, 1.5e-7);
}

TEST(FastExp, Log2OfPowersOfTwoIsExact) {
  for (int exponent = -125; exponent <= 126; ++exponent) {
    EXPECT_EQ(exact_log2(std::ldexp(1.0f, exponent)), static_cast<float>(exponent));
  }
}

TEST(FastExp, Log2OfZeroIsFarBelowAnyCut) { EXPECT_LE(exact_log2(0.0f), -126.0f); }

TEST(FastExp, ExpAndSigmoidAgreeWithLibm) {
  for (float x = -80; x <= 80; x += 0.0371f) {
    const double truth = std::exp(static_cast<double>(x));
    // x log2(e) is rounded to float before: 87 / ln2 * 2^-24 * ln2 = 5e-6 at the ends.
    EXPECT_LE(relative_error(exact_exp(x), truth), 1e-6 + 8e-8 * static_cast<double>(std::abs(x)));
    const double sigmoid = 1 / (1 + std::exp(-static_cast<double>(x)));
    EXPECT_LE(relative_error(exact_sigmoid(x), sigmoid), 1e-6 + 8e-8 * static_cast<double>(std::abs(x)));
  }
  EXPECT_EQ(exact_sigmoid(1000.0f), 1.0f);
  EXPECT_LT(exact_sigmoid(-1000.0f), 1e-36f);
}

TEST(FastExp, APackGivesTheBitsOfTheScalar) {
  using simd::PackBaseline;
  for (int i = 0; i < 40000; ++i) {
    const float x = -8.0f + static_cast<float>(i) * 4e-4f, positive = 1e-6f * static_cast<float>(i * i + 1);
    float exp2_lane[4], log2_lane[4];
    exact_exp2(PackBaseline(x)).store(exp2_lane);
    exact_log2(PackBaseline(positive)).store(log2_lane);
    ASSERT_EQ(exp2_lane[3], exact_exp2(x)) << x;
    ASSERT_EQ(log2_lane[1], exact_log2(positive)) << positive;
  }
}

}  // namespace
}  // namespace renderfm
