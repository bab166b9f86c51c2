#include "renderfm/math/rotation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "renderfm/math/rng.h"
#include "renderfm/math/srgb.h"

namespace renderfm {
namespace {

void expect_near(const Mat3d& a, const Mat3d& b, double tolerance) {
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) EXPECT_NEAR(a[i][j], b[i][j], tolerance) << i << " " << j;
  }
}

Quaternion random_quaternion(Pcg32& rng) {
  Quaternion q{};
  for (double& part : q) part = rng.normal<double>();
  return q;
}

TEST(Rotation, QuaternionsTurnAsTheirAxisAndAngleSay) {
  // Half a right angle about z takes x to the bisector of x and y.
  const double half = 0.125 * std::acos(-1.0);
  const Vec3d turned = rotation_from_quaternion({std::cos(half), 0, 0, std::sin(half)}) * Vec3d{1, 0, 0};
  EXPECT_NEAR(turned.x, std::sqrt(0.5), 1e-12);
  EXPECT_NEAR(turned.y, std::sqrt(0.5), 1e-12);
}

TEST(Rotation, QuaternionsComeBackWithPositiveW) {
  Pcg32 rng = Pcg32::from(3, 0, 0);
  for (int n = 0; n < 200; ++n) {
    Quaternion q = random_quaternion(rng);
    if (n % 4 == 0) q[static_cast<std::size_t>(n / 4 % 4)] = 0;  // half turns among them
    const Mat3d rotation = rotation_from_quaternion(q);
    const Quaternion back = quaternion_from_rotation(rotation);
    EXPECT_GE(back[0], 0);
    expect_near(rotation_from_quaternion(back), rotation, 1e-12);
  }
}

TEST(PrincipalAxes, RebuildTheMatrixWithAProperRotation) {
  Pcg32 rng = Pcg32::from(5, 0, 0);
  for (int n = 0; n < 200; ++n) {
    const Mat3d r = rotation_from_quaternion(random_quaternion(rng));
    // Flat, needle-like and degenerate shapes.
    const Vec3d values{std::pow(10.0, rng.uniform<double>() * 8 - 4), 1, n % 3 == 0 ? 1 : 1e-4};
    Mat3d scaled = r;
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j) scaled[i][j] *= values[j];
    }
    const Mat3d m = scaled * transposed(r);
    const PrincipalAxes axes = principal_axes(m);
    EXPECT_NEAR(determinant(axes.rotation), 1, 1e-12);
    Mat3d rebuilt = axes.rotation;
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j) rebuilt[i][j] *= axes.values[j];
    }
    expect_near(rebuilt * transposed(axes.rotation), m, 1e-12 * (1 + values.x));
  }
}

TEST(PrincipalAxes, KeepADiagonalMatrixAsItIs) {
  const PrincipalAxes axes = principal_axes({{{3, 0, 0}, {0, 1, 0}, {0, 0, 2}}});
  expect_near(axes.rotation, Mat3d::identity(), 0);
  EXPECT_EQ(axes.values.x, 3);
  EXPECT_EQ(axes.values.y, 1);
  EXPECT_EQ(axes.values.z, 2);
}

TEST(Cholesky, RebuildsItsMatrixAndRefusesAnIndefiniteOne) {
  const Mat3d m{{{4, 2, -1}, {2, 5, 0.5}, {-1, 0.5, 3}}};
  Mat3d lower{};
  ASSERT_TRUE(cholesky(m, lower));
  expect_near(lower * transposed(lower), m, 1e-12);
  EXPECT_FALSE(cholesky({{{1, 2, 0}, {2, 1, 0}, {0, 0, 1}}}, lower));
}

TEST(Srgb, HasTheStandardsValuesAndIsItsOwnInverse) {
  // IEC 61966-2-1: linear 0.18 is display 0.4614; the pieces meet at 0.0031308.
  EXPECT_NEAR(srgb_from_linear(0.18), 0.46135612950044164, 1e-12);
  EXPECT_NEAR(srgb_from_linear(1.0), 1, 1e-12);
  EXPECT_NEAR(srgb_from_linear(0.0031308), srgb_from_linear(0.00313081), 1e-6);
  for (int n = 0; n <= 1000; ++n)
    EXPECT_NEAR(linear_from_srgb(srgb_from_linear(n / 1000.0)), n / 1000.0, 1e-6);
}

}  // namespace
}  // namespace renderfm
