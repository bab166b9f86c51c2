#include "gaussian/files/conditional.h"

#include <cmath>

#include "renderfm/math/rotation.h"

namespace renderfm {
namespace {

Mat3d sum(const Mat3d& a, const Mat3d& b) {
  Mat3d c{};
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) c[row][column] = a[row][column] + b[row][column];
  }
  return c;
}

bool is_regular(const Mat3d& m) {
  const double det = determinant(m);
  return std::isfinite(det) && det != 0;
}

}  // namespace

bool from_joint(const Mat3d& p, const Mat3d& r, const Mat3d& d, Conditional& out) {
  if (!is_regular(p) || !is_regular(d)) return false;
  if (!cholesky(sum(r * transposed(r), d * transposed(d)), out.a)) return false;
  out.b = p * transposed(r) * transposed(inverse(out.a));
  const Mat3d k = inverse(d) * r;
  Mat3d root{};  // of 1 + kᵀk, which is at least 1: always positive definite
  if (!cholesky(sum(Mat3d::identity(), transposed(k) * k), root)) return false;
  const Mat3d half = p * transposed(inverse(root));
  return cholesky(half * transposed(half), out.c);
}

bool from_precision(const Mat3d& l, const Mat3d& v, Conditional& out) {
  if (!is_regular(l)) return false;
  const Mat3d half = transposed(inverse(l));  // P⁻¹ = L⁻ᵀ L⁻¹
  if (!cholesky(half * transposed(half), out.a)) return false;
  out.b = v * transposed(inverse(out.a));
  return true;
}

void absorb_falloff(double lambda, double ours, Conditional& conditional) {
  // λ = 0 (nothing fades) is kept finite: u then shrinks to 1e-6 of itself and fades by nothing that float
  // holds.
  constexpr double kLeastShare = 1e-12;
  const double share = std::fmax(lambda / ours, kLeastShare);
  const double widen = 1 / std::sqrt(share);
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) {
      conditional.a[row][column] *= widen;
      conditional.b[row][column] *= widen;
    }
  }
}

}  // namespace renderfm
