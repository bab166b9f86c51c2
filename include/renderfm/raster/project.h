// From a 3D Gaussian in front of a camera to its footprint: EWA projection, low-pass, cull tests, colour.
#pragma once

#include "renderfm/gaussian/layout.h"
#include "renderfm/math/fast_exp.h"
#include "renderfm/math/sym.h"
#include "renderfm/math/vec.h"
#include "renderfm/raster/constants.h"

namespace renderfm::raster {

/// What the formulas need of a camera; S is float or double. Filled by make_view.
template <class S>
struct View {
  Vec3<S> position_mm;
  Vec3<S> right, down, forward;  ///< the camera's axes in the world: rows of camera_from_world
  S fx, fy, cx, cy;              ///< pixels
  S slope_x_low, slope_x_high, slope_y_low, slope_y_high;  ///< where x/z and y/z of the Jacobian are clamped
  S width, height;                                         ///< pixels
};

template <class T>
struct Footprint {
  T x, y;                          ///< centre, pixels
  T z;                             ///< camera depth, mm
  T conic_xx, conic_xy, conic_yy;  ///< p(dx, dy) = log2_alpha + xx dx^2 + xy dx dy + yy dy^2 = log2(alpha)
  T log2_alpha;                    ///< at the centre
  T half_width, half_height;       ///< pixels: the box of p >= cut, rounded up a little
};

/// One component of camera_from_world (point - camera): the one order of operations that depth keys rest on.
template <class T, class S>
RFM_HD T along_axis(const Vec3<S>& axis, Vec3<T> offset) {
  return fmadd(T(axis.z), offset.z, fmadd(T(axis.y), offset.y, T(axis.x) * offset.x));
}

/// Projects the Gaussian with mean `mean_offset` (world axes, from the camera) and covariance C C^T.
/// `log2_falloff` is that of the slice. Whether it is drawn at all: see is_drawable.
template <class T, class S>
RFM_HD Footprint<T> project(const View<S>& view, Vec3<T> mean_offset, const T* chol, T opacity,
                            T log2_falloff, bool low_pass_compensation) {
  using layout::c_index;
  Footprint<T> f;
  const T x = along_axis(view.right, mean_offset);
  const T y = along_axis(view.down, mean_offset);
  f.z = along_axis(view.forward, mean_offset);
  const T inverse_z = T(1) / f.z;
  const T slope_x = x * inverse_z, slope_y = y * inverse_z;
  f.x = fmadd(T(view.fx), slope_x, T(view.cx));
  f.y = fmadd(T(view.fy), slope_y, T(view.cy));

  // Rows of J R, J the Jacobian of the pinhole; M = J R C, so that the covariance is M M^T and its
  // determinant |M_0 x M_1|^2: sums of squares, never a difference.
  const T jacobian_x = minimum(maximum(slope_x, T(view.slope_x_low)), T(view.slope_x_high));
  const T jacobian_y = minimum(maximum(slope_y, T(view.slope_y_low)), T(view.slope_y_high));
  const auto row = [&](const Vec3<S>& axis, T slope, T scale) {
    return Vec3<T>{fmadd(-slope, T(view.forward.x), T(axis.x)) * scale,
                   fmadd(-slope, T(view.forward.y), T(axis.y)) * scale,
                   fmadd(-slope, T(view.forward.z), T(axis.z)) * scale};
  };
  const Lower3<T> c{chol[c_index(0, 0)], chol[c_index(1, 0)], chol[c_index(1, 1)],
                    chol[c_index(2, 0)], chol[c_index(2, 1)], chol[c_index(2, 2)]};
  const Vec3<T> m0 = transpose_times(c, row(view.right, jacobian_x, T(view.fx) * inverse_z));
  const Vec3<T> m1 = transpose_times(c, row(view.down, jacobian_y, T(view.fy) * inverse_z));
  const T sharp_xx = fused_dot(m0, m0), cov_xy = fused_dot(m0, m1), sharp_yy = fused_dot(m1, m1);
  const Vec3<T> normal{fmadd(m0.y, m1.z, -(m0.z * m1.y)), fmadd(m0.z, m1.x, -(m0.x * m1.z)),
                       fmadd(m0.x, m1.y, -(m0.y * m1.x))};
  const T det_before = fused_dot(normal, normal);
  const T low_pass = T(kLowPassPx2);
  const T cov_xx = sharp_xx + low_pass, cov_yy = sharp_yy + low_pass;
  // (xx + l)(yy + l) - xy^2 = det_before + l (xx + yy + l)
  const T det = fmadd(low_pass, sharp_xx + cov_yy, det_before);

  T weight = opacity;
  if (low_pass_compensation) {
    weight = weight * maximum(square_root(det_before / det), T(kMinCompensation));
  }
  f.log2_alpha = exact_log2(weight) + log2_falloff;
  const T fold = T(0.5 * kLog2E) / det;
  f.conic_xx = -(fold * cov_yy);
  f.conic_xy = (fold + fold) * cov_xy;
  f.conic_yy = -(fold * cov_xx);

  // The level set p = cut reaches sqrt(2 sigma xx) to each side, sigma = ln2 (log2_alpha - cut). The margin
  // covers the rounding of p, so that no pixel at the cut is lost to the box.
  const T reach = T(2 * kLn2 * 1.0002) * maximum(f.log2_alpha - T(kLog2AlphaCut), T(0));
  f.half_width = square_root(reach * cov_xx) + T(0.01);
  f.half_height = square_root(reach * cov_yy) + T(0.01);

  // Overflow and degenerate shapes leave no footprint: half_width < 0 culls. NaN fails the test as well.
  const auto sound = (det > T(kMinDeterminant)) & (det < T(kMaxDeterminant)) & (opacity > T(0));
  f.half_width = select(sound, f.half_width, T(-1));
  return f;
}

/// True where the Gaussian touches the image. Every test is written so that NaN culls.
template <class T, class S>
RFM_HD auto is_drawable(const View<S>& view, const Footprint<T>& f) {
  return (f.z >= T(kNearZ)) & (f.z <= T(kFarZ)) & (f.log2_alpha >= T(kLog2AlphaCut)) & (f.half_width > T(0)) &
         (f.x + f.half_width >= T(0)) & (f.x - f.half_width <= T(view.width)) &
         (f.y + f.half_height >= T(0)) & (f.y - f.half_height <= T(view.height));
}

}  // namespace renderfm::raster
