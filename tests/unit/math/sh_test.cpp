#include "renderfm/math/sh.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace renderfm {
namespace {

double basis(int k, Vec3d d) { return sh_degree1<double>(k == 0, k == 1, k == 2, k == 3, d); }

TEST(Sh, BasisIsOrthonormalOnTheSphere) {
  constexpr int kRows = 400, kColumns = 400;
  double gram[4][4] = {};
  for (int i = 0; i < kRows; ++i) {
    const double z = -1 + 2 * (i + 0.5) / kRows, radius = std::sqrt(1 - z * z);
    for (int j = 0; j < kColumns; ++j) {
      const double angle = 2 * std::numbers::pi * (j + 0.5) / kColumns;
      const Vec3d d{radius * std::cos(angle), radius * std::sin(angle), z};
      for (int a = 0; a < 4; ++a) {
        for (int b = 0; b < 4; ++b)
          gram[a][b] += basis(a, d) * basis(b, d) * 4 * std::numbers::pi / kRows / kColumns;
      }
    }
  }
  for (int a = 0; a < 4; ++a) {
    for (int b = 0; b < 4; ++b) EXPECT_NEAR(gram[a][b], a == b, 1e-5) << a << ", " << b;
  }
}

TEST(Sh, SignsAreThoseOf3dgsFiles) {
  EXPECT_LT(basis(1, {0, 1, 0}), 0);
  EXPECT_GT(basis(2, {0, 0, 1}), 0);
  EXPECT_LT(basis(3, {1, 0, 0}), 0);
}

TEST(Sh, ColourIsNeverNegativeAndTheConstantTermDrawsIt) {
  EXPECT_EQ(sh_colour(-5.0, 0.0, 0.0, 0.0, Vec3d{0, 0, 1}), 0.0);
  EXPECT_NEAR(sh_colour(sh_dc_from_colour(0.83), 0.0, 0.0, 0.0, Vec3d{0, 0, 1}), 0.83, 1e-15);
}

}  // namespace
}  // namespace renderfm
