// From a 6D Gaussian and a viewpoint to a 3D Gaussian: the conditional of position given direction
// (6DGS, arXiv 2410.04974), written on the Cholesky factor [[A, 0], [B, C]]. The covariance C C^T is the same
// from every viewpoint and is left to the projection.
#pragma once

#include "renderfm/gaussian/layout.h"
#include "renderfm/math/fast_exp.h"
#include "renderfm/math/sym.h"
#include "renderfm/math/vec.h"

namespace renderfm::raster {

template <class T>
struct Slice {
  Vec3<T> direction;    ///< unit, from the camera to mu_p; NaN where they coincide
  Vec3<T> u;            ///< A^-1 (direction - mu_d)
  Vec3<T> mean_offset;  ///< conditional mean - camera, mm, world axes
  T log2_falloff;       ///< log2 of exp(-lambda |u|^2), <= 0
};

/// `offset` = mu_p - camera in mm; `chol` = the 21 entries of L, row by row.
template <class T>
RFM_HD Slice<T> slice6d(Vec3<T> offset, Vec3<T> direction_mean, const T* chol, T lambda_opacity) {
  using layout::a_index;
  using layout::b_index;
  Slice<T> s;
  s.direction = offset * (T(1) / square_root(fused_dot(offset, offset)));
  const Lower3<T> a{chol[a_index(0, 0)], chol[a_index(1, 0)], chol[a_index(1, 1)],
                    chol[a_index(2, 0)], chol[a_index(2, 1)], chol[a_index(2, 2)]};
  s.u = solve_lower(a, s.direction - direction_mean);
  const auto shifted = [&](int row, T from) {
    return fmadd(chol[b_index(row, 2)], s.u.z,
                 fmadd(chol[b_index(row, 1)], s.u.y, fmadd(chol[b_index(row, 0)], s.u.x, from)));
  };
  s.mean_offset = {shifted(0, offset.x), shifted(1, offset.y), shifted(2, offset.z)};
  s.log2_falloff = -(lambda_opacity * T(kLog2E)) * fused_dot(s.u, s.u);
  return s;
}

/// dL/d of what slice6d reads, from dL/d of what it returns. `v_direction` is what reaches the direction by
/// other ways (the colour). Adds to the entries of A and B in v_chol and to v_direction_mean; returns
/// dL/doffset.
template <class T>
RFM_HD Vec3<T> slice6d_backward(const Slice<T>& s, Vec3<T> offset, const T* chol, T lambda_opacity,
                                Vec3<T> v_mean_offset, T v_log2_falloff, Vec3<T> v_direction,
                                Vec3<T>& v_direction_mean, T* v_chol) {
  using layout::a_index;
  using layout::b_index;
  const T fade = T(-2 * kLog2E) * lambda_opacity * v_log2_falloff;
  Vec3<T> v_u = s.u * fade;
  for (int column = 0; column < 3; ++column) {
    for (int row = 0; row < 3; ++row) {
      v_u[column] = mul_add(chol[b_index(row, column)], v_mean_offset[row], v_u[column]);
      v_chol[b_index(row, column)] = mul_add(v_mean_offset[row], s.u[column], v_chol[b_index(row, column)]);
    }
  }
  const Lower3<T> a{chol[a_index(0, 0)], chol[a_index(1, 0)], chol[a_index(1, 1)],
                    chol[a_index(2, 0)], chol[a_index(2, 1)], chol[a_index(2, 2)]};
  const Vec3<T> v_deviation = solve_lower_transposed(a, v_u);
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column <= row; ++column) {
      v_chol[a_index(row, column)] = mul_add(-v_deviation[row], s.u[column], v_chol[a_index(row, column)]);
    }
  }
  v_direction_mean = v_direction_mean - v_deviation;
  // direction = offset / |offset|: only what is across the direction turns it.
  const Vec3<T> v_turn = v_direction + v_deviation;
  const T along = dot(v_turn, s.direction);
  return v_mean_offset + (v_turn - s.direction * along) * (T(1) / square_root(fused_dot(offset, offset)));
}

}  // namespace renderfm::raster
