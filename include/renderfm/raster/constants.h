// Every threshold of drawing, spelled once for all backends.
#pragma once

#include "renderfm/math/alpha_limits.h"

namespace renderfm::raster {

/// A contribution is drawn where log2(alpha) >= this: log2(1/255) by definition, -7.99435344.
inline constexpr float kLog2AlphaCut = -7.9943534f;
inline constexpr float kMaxAlpha = static_cast<float>(kAlphaCap);
/// A Gaussian that would bring the transmittance here or below is not drawn and closes the pixel.
inline constexpr float kStopTransmittance = 1e-4f;
/// The cut of a closed pixel: above every exponent that can occur.
inline constexpr float kClosedCut = 1e30f;
inline constexpr float kNearZ = 0.01f;             ///< mm in front of the camera
inline constexpr float kFarZ = 1e18f;              ///< mm; beyond, depth is overflow, not anatomy
inline constexpr float kLowPassPx2 = 0.3f;         ///< added to both variances of a footprint
inline constexpr float kMinCompensation = 0.005f;  ///< floor of sqrt(det before / det after low-pass)
inline constexpr float kMinDeterminant = 1e-8f;    ///< px^4; a footprint below is culled
inline constexpr float kMaxDeterminant = 1e38f;    ///< px^4; a footprint above has lost its shape to overflow
inline constexpr float kSmallestNormal = 1.1754944e-38f;  ///< keeps 0 / x from becoming NaN
inline constexpr float kFrustumMargin =
    0.15f;  ///< of the image, where x/z and y/z of the Jacobian are clamped
inline constexpr float kMaxDepthKey = 16777215.0f;  ///< 2^24 - 1

inline constexpr int kTileSize =
    32;  ///< pixels; lists are cut by tile, blocks inside are skipped by a bit mask

}  // namespace renderfm::raster
