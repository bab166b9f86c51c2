// One Gaussian at one pixel (or one pack of pixels): the front-to-back over operator with its cut, cap and
// stop rule, and its way back.
#pragma once

#include "renderfm/math/fast_exp.h"
#include "renderfm/math/scalar_ops.h"
#include "renderfm/raster/constants.h"

namespace renderfm::raster {

/// A pixel in the making. A closed pixel has cut = kClosedCut, which no exponent reaches: no flag, no branch.
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
  state.cut = select(closing, T(kClosedCut), state.cut);
  state.red = mul_add(weight, red, state.red);
  state.green = mul_add(weight, green, state.green);
  state.blue = mul_add(weight, blue, state.blue);
  state.depth = mul_add(weight, depth, state.depth);
  return closing;
}

/// A pixel on the way back, deepest Gaussian first: the transmittance behind the Gaussian at hand, and what
/// of the loss lies behind it: the sum of w_j q_j over deeper ones, q = v_rgb . rgb + v_depth z, less
/// v_alpha T_final (alpha = 1 - T_final). It starts at {T_final, -v_alpha T_final}.
template <class T>
struct PixelSuffix {
  T transmittance, behind;
};

template <class T>
struct PairGradient {
  T weight;    ///< alpha T: what the Gaussian added to the pixel; 0 where not drawn
  T exponent;  ///< dL/dexponent divided by ln 2; 0 where not drawn and where the cap holds alpha
};

/// Undoes one blend_step where `drawn` (the pairs that were added, none else). `v_weight` = q of this
/// Gaussian at this pixel. dL/dalpha = T q - behind / (1 - alpha), T = transmittance before the Gaussian.
template <class T, class Mask>
RFM_HD PairGradient<T> blend_step_backward(PixelSuffix<T>& suffix, Mask drawn, T exponent, T v_weight) {
  const T uncapped = fast_exp2(exponent);
  const T alpha = minimum(uncapped, T(kMaxAlpha));
  const T inverse = T(1) / (T(1) - alpha);
  const T before = suffix.transmittance * inverse;
  PairGradient<T> v;
  v.weight = select(drawn, alpha * before, T(0));
  const T share = v.weight * v_weight;
  const auto free = drawn & (uncapped <= T(kMaxAlpha));
  v.exponent = select(free, mul_add(-(alpha * inverse), suffix.behind, share), T(0));
  suffix.behind = suffix.behind + share;
  suffix.transmittance = select(drawn, before, suffix.transmittance);
  return v;
}

}  // namespace renderfm::raster
