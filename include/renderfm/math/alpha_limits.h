// What a Gaussian may do at one pixel. Priming inverts these limits and every rasterizer backend obeys them.
#pragma once

namespace renderfm {

/// A weaker contribution is not drawn: one step of an 8-bit display.
inline constexpr double kAlphaCut = 1.0 / 255.0;
/// No single Gaussian closes a pixel, so that what lies behind always keeps a gradient.
inline constexpr double kAlphaCap = 0.99;

}  // namespace renderfm
