// The way back through project(): from the gradient of a footprint to that of the Gaussian before the camera.
#pragma once

#include "renderfm/raster/project.h"

namespace renderfm::raster {

/// dL/d of the nine numbers that a splat draws with, and of its depth.
template <class T>
struct SplatGradient {
  T x, y, z;
  T conic_xx, conic_xy, conic_yy;
  T log2_alpha;
  T red, green, blue;
};

/// dL/d of View's frame, each of the twelve numbers on its own (a rotation has fewer degrees of freedom; that
/// is for the caller's parametrisation).
template <class T>
struct PoseGradient {
  Vec3<T> position_mm, right, down, forward;
};

/// Of a drawable Gaussian. Adds to v_opacity, to the entries of C in v_chol and to v_pose (axes only);
/// returns dL/dmean_offset. dL/dlog2_falloff is v.log2_alpha. Clamps that held pass nothing.
template <class T, class S>
RFM_HD Vec3<T> project_backward(const View<S>& view, Vec3<T> mean_offset, const T* chol, T opacity,
                                bool low_pass_compensation, const SplatGradient<T>& v, T& v_opacity,
                                T* v_chol, PoseGradient<T>& v_pose) {
  const Vec3<T> in_camera = camera_from_world(view, mean_offset);
  const Ewa<T> e = ewa_project(view, in_camera, chol);
  const T zero = T(0), inverse_det = T(1) / e.det, low_pass = T(kLowPassPx2);
  const T per_log2 = T(kLog2E) * v.log2_alpha;
  v_opacity = v_opacity + per_log2 / opacity;

  // conic = (-yy, 2 xy, -xx) fold / det
  const T fold = T(0.5 * kLog2E) * inverse_det;
  const T cov_xx = e.sharp_xx + low_pass, cov_yy = e.sharp_yy + low_pass;
  const T weighted = mul_add(cov_xx, v.conic_yy, mul_add(cov_yy, v.conic_xx, T(-2) * e.cov_xy * v.conic_xy));
  T v_det = fold * inverse_det * weighted, v_det_before = zero;
  if (low_pass_compensation) {
    const T half = T(0.5) * select(compensation(e) > T(kMinCompensation), per_log2, zero);
    v_det_before = half / maximum(e.det_before, T(kSmallestNormal));
    v_det = v_det - half * inverse_det;
  }
  v_det_before = v_det_before + v_det;
  const T v_xx = mul_add(low_pass, v_det, -(fold * v.conic_yy));
  const T v_yy = mul_add(low_pass, v_det, -(fold * v.conic_xx));
  const T v_xy = (fold + fold) * v.conic_xy;

  const Vec3<T> v_normal = e.normal * (v_det_before + v_det_before);
  const Vec3<T> v_m0 = cross(e.m1, v_normal) + e.m0 * (v_xx + v_xx) + e.m1 * v_xy;
  const Vec3<T> v_m1 = cross(v_normal, e.m0) + e.m1 * (v_yy + v_yy) + e.m0 * v_xy;
  const Lower3<T> c = position_factor(chol);
  const Vec3<T> v_row0 = times(c, v_m0), v_row1 = times(c, v_m1);
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column <= row; ++column) {
      T& entry = v_chol[layout::c_index(row, column)];
      entry = mul_add(e.row0[row], v_m0[column], mul_add(e.row1[row], v_m1[column], entry));
    }
  }

  // row = (axis - slope forward) f / z
  const Vec3<T> forward{T(view.forward.x), T(view.forward.y), T(view.forward.z)};
  const auto within = [](T value, S low, S high) { return (value >= T(low)) & (value <= T(high)); };
  const T scale0 = T(view.fx) * e.inverse_z, scale1 = T(view.fy) * e.inverse_z;
  const T v_slope_x =
      select(within(e.slope_x, view.slope_x_low, view.slope_x_high), -(scale0 * dot(forward, v_row0)), zero) +
      T(view.fx) * v.x;
  const T v_slope_y =
      select(within(e.slope_y, view.slope_y_low, view.slope_y_high), -(scale1 * dot(forward, v_row1)), zero) +
      T(view.fy) * v.y;
  const T stretched = dot(e.row0, v_row0) + dot(e.row1, v_row1);
  const T v_x = v_slope_x * e.inverse_z, v_y = v_slope_y * e.inverse_z;
  const T v_z = v.z - e.inverse_z * mul_add(e.slope_x, v_slope_x, mul_add(e.slope_y, v_slope_y, stretched));

  v_pose.right = v_pose.right + v_row0 * scale0 + mean_offset * v_x;
  v_pose.down = v_pose.down + v_row1 * scale1 + mean_offset * v_y;
  v_pose.forward = v_pose.forward - v_row0 * (scale0 * e.jacobian_x) - v_row1 * (scale1 * e.jacobian_y) +
                   mean_offset * v_z;
  const auto back = [&](S right, S down, S ahead) {
    return mul_add(T(right), v_x, mul_add(T(down), v_y, T(ahead) * v_z));
  };
  return {back(view.right.x, view.down.x, view.forward.x), back(view.right.y, view.down.y, view.forward.y),
          back(view.right.z, view.down.z, view.forward.z)};
}

}  // namespace renderfm::raster
