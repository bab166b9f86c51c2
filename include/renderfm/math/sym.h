// Symmetric and lower triangular 3x3 matrices: products, Cholesky factor, forward substitution.
#pragma once

#include "renderfm/math/hd.h"
#include "renderfm/math/scalar_ops.h"
#include "renderfm/math/vec.h"

namespace renderfm {

template <class T>
struct Sym3 {
  T xx, xy, xz, yy, yz, zz;
};

/// Row by row; the diagonal is positive wherever a matrix is inverted.
template <class T>
struct Lower3 {
  T m00, m10, m11, m20, m21, m22;
};

/// a . b with fused multiply-adds in one fixed order.
template <class T>
RFM_HD T fused_dot(Vec3<T> a, Vec3<T> b) {
  return fmadd(a.z, b.z, fmadd(a.y, b.y, a.x * b.x));
}

/// l^-1 v by forward substitution: never through an inverse.
template <class T>
RFM_HD Vec3<T> solve_lower(const Lower3<T>& l, Vec3<T> v) {
  const T x = v.x / l.m00;
  const T y = fmadd(-l.m10, x, v.y) / l.m11;
  const T z = fmadd(-l.m21, y, fmadd(-l.m20, x, v.z)) / l.m22;
  return {x, y, z};
}

/// l^-T v by back substitution.
template <class T>
RFM_HD Vec3<T> solve_lower_transposed(const Lower3<T>& l, Vec3<T> v) {
  const T z = v.z / l.m22;
  const T y = fmadd(-l.m21, z, v.y) / l.m11;
  const T x = fmadd(-l.m20, z, fmadd(-l.m10, y, v.x)) / l.m00;
  return {x, y, z};
}

/// l v.
template <class T>
RFM_HD Vec3<T> times(const Lower3<T>& l, Vec3<T> v) {
  return {l.m00 * v.x, fmadd(l.m11, v.y, l.m10 * v.x), fmadd(l.m22, v.z, fmadd(l.m21, v.y, l.m20 * v.x))};
}

/// l^T v.
template <class T>
RFM_HD Vec3<T> transpose_times(const Lower3<T>& l, Vec3<T> v) {
  return {fmadd(l.m20, v.z, fmadd(l.m10, v.y, l.m00 * v.x)), fmadd(l.m21, v.z, l.m11 * v.y), l.m22 * v.z};
}

/// l l^T.
template <class T>
RFM_HD Sym3<T> times_own_transpose(const Lower3<T>& l) {
  return {l.m00 * l.m00,
          l.m10 * l.m00,
          l.m20 * l.m00,
          fmadd(l.m11, l.m11, l.m10 * l.m10),
          fmadd(l.m21, l.m11, l.m20 * l.m10),
          fmadd(l.m22, l.m22, fmadd(l.m21, l.m21, l.m20 * l.m20))};
}

/// The lower triangular l with positive diagonal and l l^T = s; NaN where s is not positive definite.
template <class T>
RFM_HD Lower3<T> cholesky(const Sym3<T>& s) {
  Lower3<T> l;
  l.m00 = square_root(s.xx);
  l.m10 = s.xy / l.m00;
  l.m20 = s.xz / l.m00;
  l.m11 = square_root(fmadd(-l.m10, l.m10, s.yy));
  l.m21 = fmadd(-l.m20, l.m10, s.yz) / l.m11;
  l.m22 = square_root(fmadd(-l.m21, l.m21, fmadd(-l.m20, l.m20, s.zz)));
  return l;
}

}  // namespace renderfm
