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

}  // namespace renderfm::raster
