#include "renderfm/math/polylog.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace renderfm {
namespace {

TEST(Polylog, DilogarithmAgreesWithTabledValues) {
  // mpmath.polylog(2, x) at 20 digits.
  EXPECT_DOUBLE_EQ(dilogarithm(0.0), 0.0);
  EXPECT_NEAR(dilogarithm(1.0 / 255), 0.0039254200183534826531, 1e-17);
  EXPECT_NEAR(dilogarithm(0.1), 0.10261779109939113696, 1e-15);
  EXPECT_NEAR(dilogarithm(0.3), 0.32612951007547605633, 1e-15);
  EXPECT_NEAR(dilogarithm(0.7), 0.88937762428603866222, 1e-14);
  EXPECT_NEAR(dilogarithm(0.99), 1.5886254480763752857, 1e-14);
  // Closed form at one half.
  EXPECT_NEAR(dilogarithm(0.5),
              std::numbers::pi * std::numbers::pi / 12 - 0.5 * std::numbers::ln2 * std::numbers::ln2, 1e-15);
  EXPECT_NEAR(dilogarithm(1.0), std::numbers::pi * std::numbers::pi / 6, 1e-15);
}

TEST(Polylog, DilogarithmIsItsDefiningSum) {
  for (int i = 1; i < 100; ++i) {
    const double x = 0.01 * i;
    double sum = 0, power = 1;
    for (int k = 1; k < 6000; ++k) {
      power *= x;
      sum += power / (double(k) * k);
    }
    ASSERT_NEAR(dilogarithm(x), sum, 1e-12) << "x = " << x;
    ASSERT_NEAR(static_cast<double>(dilogarithm(static_cast<float>(x))), sum, 1e-6) << "x = " << x;
  }
}

TEST(Polylog, DilogarithmIsContinuousWhereTheFormulaChanges) {
  EXPECT_NEAR(dilogarithm(0.5), dilogarithm(std::nextafter(0.5, 1.0)), 1e-15);
}

TEST(Polylog, ConstantsAreTheDilogarithmsOfTheLimits) {
  EXPECT_NEAR(kDilogarithmOfCut, dilogarithm(kAlphaCut), 1e-17);
  EXPECT_NEAR(kDilogarithmOfCap, dilogarithm(kAlphaCap), 1e-14);
}

TEST(Polylog, OpacityInvertsTheDilogarithm) {
  for (int i = 0; i <= 20000; ++i) {
    const double wanted = kAlphaCut + (kAlphaCap - kAlphaCut) * i / 20000;
    const double depth = dilogarithm(wanted) - dilogarithm(kAlphaCut);
    ASSERT_NEAR(opacity_for_optical_depth(depth), wanted, 1e-12) << "opacity " << wanted;
    // The float's condition number near the cap (d opacity / d depth = 0.2) is below 1; rounding of the
    // target rules.
    ASSERT_NEAR(static_cast<double>(opacity_for_optical_depth(static_cast<float>(depth))), wanted, 6e-7)
        << "opacity " << wanted;
  }
}

TEST(Polylog, OpacityRisesWithDepthAndStaysInRange) {
  float before = 0;
  for (int i = -100; i < 40000; ++i) {
    const float opacity = opacity_for_optical_depth(5e-5f * static_cast<float>(i));
    // Neighbouring floats of the target may come out one rounding apart.
    ASSERT_GE(opacity, before - 2e-7f) << "at step " << i;
    before = opacity;
  }
  EXPECT_EQ(opacity_for_optical_depth(0.0), kAlphaCut);
  EXPECT_EQ(opacity_for_optical_depth(-1.0), kAlphaCut);
  EXPECT_EQ(opacity_for_optical_depth(1.6), kAlphaCap);
  EXPECT_EQ(opacity_for_optical_depth(1e30), kAlphaCap);
}

// Independent of Li2: the drawn footprint's optical depth by radial quadrature.
TEST(Polylog, FootprintOfTheSolvedOpacityCarriesTheDepth) {
  for (const double depth : {0.001, 0.01, 0.1, 0.5, 1.0, 1.5}) {
    const double opacity = opacity_for_optical_depth(depth);
    const double edge = std::log(opacity / kAlphaCut);  // v = r^2 / 2 s^2 at the cut
    constexpr int kSamples = 20000;
    double sum = 0;
    for (int i = 0; i < kSamples; ++i) {
      sum += -std::log1p(-opacity * std::exp(-edge * (i + 0.5) / kSamples)) * edge / kSamples;
    }
    EXPECT_NEAR(sum, depth, 1e-6 * (1 + depth)) << "depth " << depth;
  }
}

}  // namespace
}  // namespace renderfm
