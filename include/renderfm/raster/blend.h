// One Gaussian at one pixel (or one pack of pixels): the front-to-back over operator with its cut, cap and
// stop rule, and its way back.
#pragma once

#include "renderfm/math/fast_exp.h"
#include "renderfm/math/scalar_ops.h"
#include "renderfm/raster/constants.h"

namespace renderfm::raster {

/// What the pixels of one column share: base = log2_alpha + xx dx^2 and slope = xy dx.
template <class T>
RFM_HD T exponent_at(T base, T slope, T conic_yy, T dy) {
  return mul_add(dy, mul_add(conic_yy, dy, slope), base);
}

/// What of a pixel decides how much of the next Gaussian it shows. A closed pixel has cut = kClosedCut, which
/// no exponent reaches: no flag, no branch. An open one has cut = kLog2AlphaCut.
template <class T>
struct PixelLight {
  T transmittance, cut;
};

/// The weight alpha T of one Gaussian, by which its colour and its depth are added; 0 where not `drawn`.
/// `exponent` = log2(alpha) before the cap, `drawn` = exponent >= cut. `closing` tells where the pixel
/// closes: there the transmittance would fall to kStopTransmittance or below, and the Gaussian is not added.
/// Elsewhere it is above: that needs no test for `drawn`.
template <class T, class Mask>
RFM_HD T blend_weight(PixelLight<T>& light, Mask drawn, T exponent, Mask& closing) {
  const T alpha = minimum(fast_exp2(exponent), T(kMaxAlpha));
  T weight = keep(drawn, alpha * light.transmittance);
  T after = light.transmittance - weight;
  closing = after <= T(kStopTransmittance);
  if (any(closing)) {  // once in the life of a pixel
    weight = select(closing, T(0), weight);
    after = select(closing, light.transmittance, after);
    light.cut = select(closing, T(kClosedCut), light.cut);
  }
  light.transmittance = after;
  return weight;
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

/// Undoes one blend_weight where `drawn` (the pairs that were added, none else). `v_weight` = q of this
/// Gaussian at this pixel. dL/dalpha = T q - behind / (1 - alpha), T = transmittance before the Gaussian.
template <class T, class Mask>
RFM_HD PairGradient<T> blend_backward(PixelSuffix<T>& suffix, Mask drawn, T exponent, T v_weight) {
  const T uncapped = fast_exp2(exponent);
  const T alpha = minimum(uncapped, T(kMaxAlpha));
  const T inverse = T(1) / (T(1) - alpha);
  const T before = suffix.transmittance * inverse;
  PairGradient<T> v;
  v.weight = keep(drawn, alpha * before);
  const T share = v.weight * v_weight;
  const auto free = drawn & (uncapped <= T(kMaxAlpha));
  v.exponent = keep(free, mul_add(-(alpha * inverse), suffix.behind, share));
  suffix.behind = suffix.behind + share;
  suffix.transmittance = select(drawn, before, suffix.transmittance);
  return v;
}

}  // namespace renderfm::raster
