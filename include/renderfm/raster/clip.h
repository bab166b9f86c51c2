// Cutting Gaussians by half-spaces: a splat keeps the share of its mass that lies on the kept side, which is
// the normal distribution of the plane's distance in the splat's own standard deviations, in closed form. It
// is one factor for all pixels of a splat: a face is whole, and an edge seen from the side is as soft as the
// splat. The shares of several planes multiply, which is exact where the planes are at right angles to each
// other in the splat's metric: a box on round splats.
#pragma once

#include "renderfm/math/fast_exp.h"
#include "renderfm/math/sym.h"
#include "renderfm/math/vec.h"
#include "renderfm/raster/project.h"

namespace renderfm::raster {

inline constexpr int kMaxClipPlanes = 12;  ///< six free ones and a box

/// Keeps the points x with dot(normal, x) + offset_mm >= 0, in world mm; the normal has length 1.
template <class S>
struct ClipPlane {
  Vec3<S> normal;
  S offset_mm;
};

/// The planes of one drawing, by value, as kernels get them.
template <class S>
struct ClipPlanes {
  ClipPlane<S> planes[kMaxClipPlanes];
  int count = 0;
  const S* exempt = nullptr;  ///< [N] 1: the planes pass this Gaussian by, 0: they cut it; null: they cut all
};

/// The normal distribution's share below t; absolute error 1e-7 (Abramowitz and Stegun 7.1.26). The same bits
/// on every machine.
template <class T>
RFM_HD T normal_share(T t) {
  // Beyond 5.6 standard deviations the rest is below 1e-8 and the exponential at the end of its range.
  const T bounded = minimum(maximum(t, -t), T(5.6f));
  const T x = bounded * T(0.70710678f);
  const T s = T(1.0f) / fmadd(T(0.3275911f), x, T(1.0f));
  T sum = T(1.061405429f);
  sum = fmadd(sum, s, T(-1.453152027f));
  sum = fmadd(sum, s, T(1.421413741f));
  sum = fmadd(sum, s, T(-0.284496736f));
  sum = fmadd(sum, s, T(0.254829592f));
  const T rest = T(0.5f) * (sum * s) * exact_exp2(-(x * x) * T(static_cast<float>(kLog2E)));
  return select(t >= T(0.0f), T(1.0f) - rest, rest);
}

/// The share in [0, 1] of a Gaussian with mean `mean_offset` (world axes, from the camera at
/// `camera_mm`) and covariance C C^T that the planes leave.
template <class T, class S>
RFM_HD T clip_share(const ClipPlanes<S>& clip, Vec3<S> camera_mm, Vec3<T> mean_offset, const T* chol) {
  const Lower3<T> c = position_factor(chol);
  T share = T(1.0f);
  for (int k = 0; k < clip.count; ++k) {
    const ClipPlane<S>& plane = clip.planes[k];
    const Vec3<T> normal{T(plane.normal.x), T(plane.normal.y), T(plane.normal.z)};
    const S camera_side_mm = fused_dot(plane.normal, camera_mm) + plane.offset_mm;
    const T distance_mm = fused_dot(normal, mean_offset) + T(camera_side_mm);
    const Vec3<T> across = transpose_times(c, normal);
    const T deviation_mm = maximum(square_root(fused_dot(across, across)), T(1e-6f));
    share = share * normal_share(distance_mm / deviation_mm);
  }
  return share;
}

}  // namespace renderfm::raster
