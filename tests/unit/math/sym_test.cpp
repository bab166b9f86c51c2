#include "renderfm/math/sym.h"

#include <gtest/gtest.h>

#include <cmath>

namespace renderfm {
namespace {

constexpr Lower3<double> kFactor{1.5, -0.7, 0.4, 2.1, 0.3, 0.9};

TEST(Sym, CholeskyUndoesTheProduct) {
  const Lower3<double> l = cholesky(times_own_transpose(kFactor));
  EXPECT_NEAR(l.m00, kFactor.m00, 1e-14);
  EXPECT_NEAR(l.m10, kFactor.m10, 1e-14);
  EXPECT_NEAR(l.m11, kFactor.m11, 1e-14);
  EXPECT_NEAR(l.m20, kFactor.m20, 1e-14);
  EXPECT_NEAR(l.m21, kFactor.m21, 1e-14);
  EXPECT_NEAR(l.m22, kFactor.m22, 1e-14);
}

TEST(Sym, ProductAgreesWithGeneralMatrices) {
  const Mat3d m{
      {{kFactor.m00, 0, 0}, {kFactor.m10, kFactor.m11, 0}, {kFactor.m20, kFactor.m21, kFactor.m22}}};
  const Mat3d product = m * transposed(m);
  const Sym3<double> s = times_own_transpose(kFactor);
  EXPECT_NEAR(s.xx, product[0][0], 1e-15);
  EXPECT_NEAR(s.xy, product[0][1], 1e-15);
  EXPECT_NEAR(s.xz, product[0][2], 1e-15);
  EXPECT_NEAR(s.yy, product[1][1], 1e-15);
  EXPECT_NEAR(s.yz, product[1][2], 1e-15);
  EXPECT_NEAR(s.zz, product[2][2], 1e-15);
}

TEST(Sym, SolveLowerAndTransposeTimesAgreeWithGeneralMatrices) {
  const Mat3d m{
      {{kFactor.m00, 0, 0}, {kFactor.m10, kFactor.m11, 0}, {kFactor.m20, kFactor.m21, kFactor.m22}}};
  const Vec3d v{0.3, -1.1, 2.7};
  const Vec3d solved = m * solve_lower(kFactor, v);
  const Vec3d product = transposed(m) * v;
  const Vec3d quick = transpose_times(kFactor, v);
  for (int i = 0; i < 3; ++i) {
    EXPECT_NEAR(solved[i], v[i], 1e-14);
    EXPECT_NEAR(quick[i], product[i], 1e-14);
  }
}

TEST(Sym, CholeskyOfAnIndefiniteMatrixIsNaN) {
  EXPECT_TRUE(std::isnan(cholesky(Sym3<double>{1, 2, 0, 1, 0, 1}).m11));
}

}  // namespace
}  // namespace renderfm
