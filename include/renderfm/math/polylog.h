// The dilogarithm Li2 and the opacity that gives a Gaussian a wanted optical depth.
//
// A footprint alpha(r) = a exp(-r^2 / 2 s^2) takes -ln(1 - alpha) of optical depth at every pixel; integrated
// over the plane that is 2 pi s^2 Li2(a), and 2 pi s^2 (Li2(a) - Li2(1/255)) where alpha < 1/255 is not
// drawn.
#pragma once

#include <cmath>

#include "renderfm/math/alpha_limits.h"
#include "renderfm/math/hd.h"

namespace renderfm {
namespace detail {

inline constexpr double kPiSquaredOver6 = 1.6449340668482264365;

/// Li2(1 - e^-w) for w in [0, ln 2]: the Bernoulli series, whose terms fall by (w / 2 pi)^2; the first one
/// left out is below 4e-17.
template <class T>
RFM_HD T dilogarithm_series(T w) {
  const T w2 = w * w;
  T sum = T(8.921691020456452e-13);
  sum = sum * w2 + T(-4.0647616451442256e-11);
  sum = sum * w2 + T(1.8978869988971e-09);
  sum = sum * w2 + T(-9.185773074661964e-08);
  sum = sum * w2 + T(4.72411186696901e-06);
  sum = sum * w2 + T(-1.0 / 3600.0);
  sum = sum * w2 + T(1.0 / 36.0);
  return w * (T(1) - T(0.25) * w + w2 * sum);
}

/// Li2(x) for x in (0, 1), given w = -ln(1 - x), which its derivative w / x needs as well.
template <class T>
RFM_HD T dilogarithm_from_log(T x, T w) {
  using std::log;
  if (x <= T(0.5)) return dilogarithm_series(w);
  const T v = -log(x);  // Euler's reflection: Li2(x) + Li2(1 - x) = pi^2 / 6 - ln(x) ln(1 - x)
  return T(kPiSquaredOver6) - v * w - dilogarithm_series(v);
}

}  // namespace detail

/// Li2(x) = sum of x^k / k^2, for x in [0, 1].
template <class T>
RFM_HD T dilogarithm(T x) {
  using std::log1p;
  if (!(x > T(0))) return T(0);
  if (x >= T(1)) return T(detail::kPiSquaredOver6);
  return detail::dilogarithm_from_log(x, -log1p(-x));
}

/// Li2(1/255): the optical depth that the cut takes from every footprint.
inline constexpr double kDilogarithmOfCut = 0.0039254200183534826531;
inline constexpr double kDilogarithmOfCap = 1.5886254480763752857;

/// The opacity in [1/255, 0.99] whose drawn footprint carries `depth_per_area` = optical depth x area / (2 pi
/// s^2): Li2(opacity) - Li2(1/255) = depth_per_area. Monotone; the ends of the range where there is no
/// solution.
template <class T>
RFM_HD T opacity_for_optical_depth(T depth_per_area) {
  using std::log1p;
  using std::sqrt;
  const T target = depth_per_area + T(kDilogarithmOfCut);
  if (!(target > T(kDilogarithmOfCut))) return T(kAlphaCut);
  if (target >= T(kDilogarithmOfCap)) return T(kAlphaCap);
  // Near 1 the inverse behaves like 1 - r^2 / |ln|; in r = sqrt(pi^2/6 - target) a degree-6 fit is off by at
  // most 1.1e-6. Newton squares that (times 10 at worst): one step for float, two for double.
  const T r = sqrt(T(detail::kPiSquaredOver6) - target);
  T opacity = T(-0.0193242939);
  opacity = opacity * r + T(-0.000672203903);
  opacity = opacity * r + T(-0.0940075086);
  opacity = opacity * r + T(-0.199451030);
  opacity = opacity * r + T(-0.149656837);
  opacity = opacity * r + T(0.00791842541);
  opacity = opacity * r + T(0.999513955);
  constexpr int kSteps = sizeof(T) <= 4 ? 1 : 2;
  for (int step = 0; step < kSteps; ++step) {
    const T w = -log1p(-opacity);
    opacity -= (detail::dilogarithm_from_log(opacity, w) - target) * opacity / w;
  }
  return opacity < T(kAlphaCut) ? T(kAlphaCut) : (opacity > T(kAlphaCap) ? T(kAlphaCap) : opacity);
}

}  // namespace renderfm
