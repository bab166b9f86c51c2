// The sRGB transfer curve (IEC 61966-2-1): the only gamma in the project.
#pragma once

#include <cmath>

#include "renderfm/math/hd.h"

namespace renderfm {

/// Linear light in [0, 1] -> display value in [0, 1].
template <class T>
RFM_HD T srgb_from_linear(T linear) {
  using std::pow;
  return linear <= T(0.0031308) ? T(12.92) * linear : T(1.055) * pow(linear, T(1) / T(2.4)) - T(0.055);
}

/// Display value in [0, 1] -> linear light in [0, 1].
template <class T>
RFM_HD T linear_from_srgb(T srgb) {
  using std::pow;
  return srgb <= T(0.04045) ? srgb / T(12.92) : pow((srgb + T(0.055)) / T(1.055), T(2.4));
}

}  // namespace renderfm
