// Real spherical harmonics to degree 1, the colour of a Gaussian.
#pragma once

#include "renderfm/math/hd.h"
#include "renderfm/math/scalar_ops.h"
#include "renderfm/math/vec.h"

namespace renderfm {

inline constexpr double kSh0 = 0.28209479177387814;  ///< 1 / (2 sqrt(pi))
inline constexpr double kSh1 = 0.48860251190291992;  ///< sqrt(3) / (2 sqrt(pi))

/// SH(d) of one colour channel for the unit direction d and its four coefficients, in the sign convention of
/// 3DGS files.
template <class T>
RFM_HD T sh_degree1(T c0, T c1, T c2, T c3, Vec3<T> d) {
  const T linear = fmadd(d.z, c2, -fmadd(d.y, c1, d.x * c3));
  return fmadd(T(kSh1), linear, T(kSh0) * c0);
}

/// max(0, 0.5 + SH(d)): what is drawn.
template <class T>
RFM_HD T sh_colour(T c0, T c1, T c2, T c3, Vec3<T> d) {
  return maximum(sh_degree1(c0, c1, c2, c3, d) + T(0.5), T(0));
}

/// From v = dL/dcolour where sh_colour(...) = colour: adds to the four coefficients' gradients (v_c0 ... v_c3
/// apart by `stride`) and to dL/dd. Nothing passes where the colour is held at 0.
template <class T>
RFM_HD void sh_colour_backward(const T* c, int stride, Vec3<T> d, T colour, T v, T* v_c, Vec3<T>& v_d) {
  const T passed = select(colour > T(0), v, T(0));
  const T linear = T(kSh1) * passed;
  v_c[0] = mul_add(T(kSh0), passed, v_c[0]);
  v_c[stride] = mul_add(-linear, d.y, v_c[stride]);
  v_c[2 * stride] = mul_add(linear, d.z, v_c[2 * stride]);
  v_c[3 * stride] = mul_add(-linear, d.x, v_c[3 * stride]);
  v_d.x = mul_add(-linear, c[3 * stride], v_d.x);
  v_d.y = mul_add(-linear, c[stride], v_d.y);
  v_d.z = mul_add(linear, c[2 * stride], v_d.z);
}

/// The coefficient of degree 0 that draws `colour` from everywhere.
template <class T>
RFM_HD T sh_dc_from_colour(T colour) {
  return (colour - T(0.5)) / T(kSh0);
}

}  // namespace renderfm
