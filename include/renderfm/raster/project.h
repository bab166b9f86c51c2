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

/// The image-plane covariance and all that it came from, for the way back.
template <class T>
struct Ewa {
  T inverse_z;
  T slope_x, slope_y;        ///< x/z, y/z
  T jacobian_x, jacobian_y;  ///< the same, clamped
  Vec3<T> row0, row1;        ///< of J R, J the Jacobian of the pinhole
  Vec3<T> m0, m1;            ///< rows of M = J R C: the sharp covariance is M M^T
  Vec3<T> normal;            ///< m0 x m1: its squared length is the sharp determinant
  T sharp_xx, cov_xy, sharp_yy;
  T det_before, det;  ///< before and after the low-pass
};

template <class T>
RFM_HD Lower3<T> position_factor(const T* chol) {
  using layout::c_index;
  return {chol[c_index(0, 0)], chol[c_index(1, 0)], chol[c_index(1, 1)],
          chol[c_index(2, 0)], chol[c_index(2, 1)], chol[c_index(2, 2)]};
}

/// (x, y, z) in camera axes and the factor C of the 3D covariance to the covariance on the image plane. It is
/// M M^T and its determinant |m0 x m1|^2: sums of squares, never a difference.
template <class T, class S>
RFM_HD Ewa<T> ewa_project(const View<S>& view, Vec3<T> in_camera, const T* chol) {
  Ewa<T> e;
  e.inverse_z = T(1) / in_camera.z;
  e.slope_x = in_camera.x * e.inverse_z;
  e.slope_y = in_camera.y * e.inverse_z;
  e.jacobian_x = minimum(maximum(e.slope_x, T(view.slope_x_low)), T(view.slope_x_high));
  e.jacobian_y = minimum(maximum(e.slope_y, T(view.slope_y_low)), T(view.slope_y_high));
  const auto row = [&](const Vec3<S>& axis, T slope, T scale) {
    return Vec3<T>{fmadd(-slope, T(view.forward.x), T(axis.x)) * scale,
                   fmadd(-slope, T(view.forward.y), T(axis.y)) * scale,
                   fmadd(-slope, T(view.forward.z), T(axis.z)) * scale};
  };
  e.row0 = row(view.right, e.jacobian_x, T(view.fx) * e.inverse_z);
  e.row1 = row(view.down, e.jacobian_y, T(view.fy) * e.inverse_z);
  const Lower3<T> c = position_factor(chol);
  e.m0 = transpose_times(c, e.row0);
  e.m1 = transpose_times(c, e.row1);
  e.sharp_xx = fused_dot(e.m0, e.m0);
  e.cov_xy = fused_dot(e.m0, e.m1);
  e.sharp_yy = fused_dot(e.m1, e.m1);
  e.normal = {fmadd(e.m0.y, e.m1.z, -(e.m0.z * e.m1.y)), fmadd(e.m0.z, e.m1.x, -(e.m0.x * e.m1.z)),
              fmadd(e.m0.x, e.m1.y, -(e.m0.y * e.m1.x))};
  e.det_before = fused_dot(e.normal, e.normal);
  // (xx + l)(yy + l) - xy^2 = det_before + l (xx + yy + l)
  e.det = fmadd(T(kLowPassPx2), e.sharp_xx + (e.sharp_yy + T(kLowPassPx2)), e.det_before);
  return e;
}

template <class T, class S>
RFM_HD Vec3<T> camera_from_world(const View<S>& view, Vec3<T> offset) {
  return {along_axis(view.right, offset), along_axis(view.down, offset), along_axis(view.forward, offset)};
}

/// sqrt(det before / det after the low-pass), by which the opacity is scaled; before its floor.
template <class T>
RFM_HD T compensation(const Ewa<T>& e) {
  return square_root(e.det_before / e.det);
}

/// Projects the Gaussian with mean `mean_offset` (world axes, from the camera) and covariance C C^T.
/// `log2_falloff` is that of the slice. Whether it is drawn at all: see is_drawable.
template <class T, class S>
RFM_HD Footprint<T> project(const View<S>& view, Vec3<T> mean_offset, const T* chol, T opacity,
                            T log2_falloff, bool low_pass_compensation) {
  const Vec3<T> in_camera = camera_from_world(view, mean_offset);
  const Ewa<T> e = ewa_project(view, in_camera, chol);
  Footprint<T> f;
  f.x = fmadd(T(view.fx), e.slope_x, T(view.cx));
  f.y = fmadd(T(view.fy), e.slope_y, T(view.cy));
  f.z = in_camera.z;
  T weight = opacity;
  if (low_pass_compensation) weight = weight * maximum(compensation(e), T(kMinCompensation));
  f.log2_alpha = exact_log2(weight) + log2_falloff;
  const T cov_xx = e.sharp_xx + T(kLowPassPx2), cov_yy = e.sharp_yy + T(kLowPassPx2);
  const T fold = T(0.5 * kLog2E) / e.det;
  f.conic_xx = -(fold * cov_yy);
  f.conic_xy = (fold + fold) * e.cov_xy;
  f.conic_yy = -(fold * cov_xx);

  // The level set p = cut reaches sqrt(2 sigma xx) to each side, sigma = ln2 (log2_alpha - cut). The margin
  // covers the rounding of p, so that no pixel at the cut is lost to the box.
  const T reach = T(2 * kLn2 * 1.0002) * maximum(f.log2_alpha - T(kLog2AlphaCut), T(0));
  f.half_width = square_root(reach * cov_xx) + T(0.01);
  f.half_height = square_root(reach * cov_yy) + T(0.01);

  // Overflow and degenerate shapes leave no footprint: half_width < 0 culls. NaN fails the test as well.
  const auto sound = (e.det > T(kMinDeterminant)) & (e.det < T(kMaxDeterminant)) & (opacity > T(0));
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
