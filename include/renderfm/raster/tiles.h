// Where a footprint lies on the pixel grid and in the depth order.
#pragma once

#include <cstdint>

#include "renderfm/math/hd.h"
#include "renderfm/math/scalar_ops.h"
#include "renderfm/raster/constants.h"

namespace renderfm::raster {

/// Half-open ranges of whole numbers within the image; empty where begin >= end. T as in Footprint.
template <class T>
struct PixelBox {
  T x_begin, y_begin, x_end, y_end;
};

/// The pixels whose centres (i + 0.5) lie in the box around (x, y). Clamped before any cast: an int cannot
/// hold what a wild Gaussian may ask for. NaN gives 0.
template <class T>
RFM_HD PixelBox<T> pixel_box(T x, T y, T half_width, T half_height, T width, T height) {
  const auto within = [](T i, T count) { return minimum(maximum(i, T(0)), count); };
  const T half = T(0.5f), one = T(1);
  return {within(-round_down(half - (x - half_width)), width),
          within(-round_down(half - (y - half_height)), height),
          within(round_down(x + half_width - half) + one, width),
          within(round_down(y + half_height - half) + one, height)};
}

/// Tiles along an image side.
RFM_HD int tiles_over(int pixels) { return (pixels + kTileSize - 1) / kTileSize; }

/// The tiles that a box of pixels touches, half-open.
struct TileRect {
  std::uint16_t x_begin, y_begin, x_end, y_end;
  RFM_HD std::uint32_t count() const {
    return static_cast<std::uint32_t>(x_end - x_begin) * static_cast<std::uint32_t>(y_end - y_begin);
  }
};

RFM_HD TileRect tile_rect(std::int32_t x_begin, std::int32_t y_begin, std::int32_t x_end,
                          std::int32_t y_end) {
  const auto up = [](std::int32_t pixel) {
    return static_cast<std::uint16_t>((pixel + kTileSize - 1) / kTileSize);
  };
  const auto down = [](std::int32_t pixel) { return static_cast<std::uint16_t>(pixel / kTileSize); };
  return {down(x_begin), down(y_begin), up(x_end), up(y_end)};
}

/// 24-bit fixed-point depth over the drawable Gaussians' range: nearer first, equal keys keep index order.
template <class S>
RFM_HD std::uint32_t depth_key(S z, S z_min, S z_max) {
  const S range = z_max - z_min;
  if (!(range > S(0))) return 0;
  return static_cast<std::uint32_t>((z - z_min) / range * S(kMaxDepthKey));
}

}  // namespace renderfm::raster
