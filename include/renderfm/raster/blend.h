// One Gaussian at one pixel (or one pack of pixels): the front-to-back over operator with its cut, cap and
// stop rule.
#pragma once

#include "renderfm/math/fast_exp.h"
#include "renderfm/math/scalar_ops.h"
#include "renderfm/raster/constants.h"

namespace renderfm::raster {

/// A pixel in the making. A closed pixel has cut = +infinity, which no exponent reaches: no flag, no branch.
template <class T>
struct PixelState {
  T transmittance, cut, red, green, blue, depth;
};

template <class T>
RFM_HD PixelState<T> open_pixel() {
  return {T(1), T(kLog2AlphaCut), T(0), T(0), T(0), T(0)};
}

/// What the pixels of one column share: base = log2_alpha + xx dx^2 and slope = xy dx.
template <class T>
RFM_HD T exponent_at(T base, T slope, T conic_yy, T dy) {
  return mul_add(dy, mul_add(conic_yy, dy, slope), base);
}

/// Adds one Gaussian, `exponent` = log2(alpha) before the cap, where `drawn` = exponent >= state.cut. Returns
/// where the pixel closes: there the transmittance would fall to kStopTransmittance or below, and the
/// Gaussian is not added.
template <class T, class Mask>
RFM_HD Mask blend_step(PixelState<T>& state, Mask drawn, T exponent, T red, T green, T blue, T depth) {
  const T alpha = minimum(fast_exp2(exponent), T(kMaxAlpha));
  T weight = select(drawn, alpha * state.transmittance, T(0));
  const Mask closing = drawn & (state.transmittance - weight <= T(kStopTransmittance));
  weight = select(closing, T(0), weight);
  state.transmittance = state.transmittance - weight;
  state.cut = select(closing, T(__builtin_huge_valf()), state.cut);
  state.red = mul_add(weight, red, state.red);
  state.green = mul_add(weight, green, state.green);
  state.blue = mul_add(weight, blue, state.blue);
  state.depth = mul_add(weight, depth, state.depth);
  return closing;
}

}  // namespace renderfm::raster
