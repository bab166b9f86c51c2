// A 6D Gaussian seen by a camera: slice, project, colour; and all the way back.
#pragma once

#include "renderfm/math/sh.h"
#include "renderfm/raster/gaussian_values.h"
#include "renderfm/raster/project.h"
#include "renderfm/raster/project_backward.h"
#include "renderfm/raster/slice6d.h"

namespace renderfm::raster {

template <class T, class S>
RFM_HD Vec3<T> offset_from_camera(const View<S>& view, Vec3<T> position_mm) {
  return position_mm - Vec3<T>{T(view.position_mm.x), T(view.position_mm.y), T(view.position_mm.z)};
}

/// One colour channel (0 red, 1 green, 2 blue) for the unit direction from the camera to the centre.
template <class T>
RFM_HD T splat_colour(const T* sh, int channel, Vec3<T> direction) {
  return sh_colour(sh[channel], sh[3 + channel], sh[6 + channel], sh[9 + channel], direction);
}

/// Adds one view's gradients of a drawable Gaussian to those of its parameters and of the pose. Not for
/// Gaussians that were culled: their gradient is zero, and these formulas may divide by zero there.
template <class T, class S>
RFM_HD void splat_backward(const View<S>& view, const GaussianValues<T>& gaussian, T lambda_opacity,
                           bool low_pass_compensation, const SplatGradient<T>& v,
                           GaussianValues<T>& v_gaussian, PoseGradient<T>& v_pose) {
  const Vec3<T> offset = offset_from_camera(view, gaussian.position_mm);
  const Slice<T> slice = slice6d(offset, gaussian.direction_mean, gaussian.chol, lambda_opacity);
  Vec3<T> v_direction{T(0), T(0), T(0)};
  const T v_colour[3] = {v.red, v.green, v.blue};
  for (int channel = 0; channel < 3; ++channel) {
    sh_colour_backward(gaussian.sh + channel, 3, slice.direction,
                       splat_colour(gaussian.sh, channel, slice.direction), v_colour[channel],
                       v_gaussian.sh + channel, v_direction);
  }
  const Vec3<T> v_mean_offset =
      project_backward(view, slice.mean_offset, gaussian.chol, gaussian.opacity, low_pass_compensation, v,
                       v_gaussian.opacity, v_gaussian.chol, v_pose);
  const Vec3<T> v_offset =
      slice6d_backward(slice, offset, gaussian.chol, lambda_opacity, v_mean_offset, v.log2_alpha, v_direction,
                       v_gaussian.direction_mean, v_gaussian.chol);
  v_gaussian.position_mm = v_gaussian.position_mm + v_offset;
  v_pose.position_mm = v_pose.position_mm - v_offset;
}

}  // namespace renderfm::raster
