// Front to back over one tile. Included by one translation unit per instruction set.
#pragma once

#include "raster/cpu/tile-inl.h"

namespace renderfm::raster::cpu {
namespace {

/// The tile in the making. A block dies when all its pixels are closed.
template <class P>
struct Tile : TilePixels<P, 7> {
  using S = typename P::Scalar;
  enum Plane { kTransmittance, kCut, kRed, kGreen, kBlue, kDepth, kStop };

  std::int32_t open_pixels[kBlocks] = {};
  std::uint32_t alive = 0;

  /// Pixels beyond the image are closed from the start.
  Tile(const TileExtent& extent, std::int64_t entry_count) : TilePixels<P, 7>(extent) {
    for (int y = 0; y < kTileSize; ++y) {
      for (int x = 0; x < kTileSize; ++x) {
        auto& pixel = this->pack_at(x, y);
        const int lane = this->lane_of(x, y);
        for (int plane = 0; plane < 7; ++plane) pixel[plane][lane] = 0;
        const bool inside = x < extent.columns && y < extent.rows;
        pixel[kTransmittance][lane] = 1;
        pixel[kCut][lane] = inside ? S(kLog2AlphaCut) : S(kClosedCut);
        pixel[kStop][lane] = static_cast<S>(entry_count);
        open_pixels[block_of(x, y)] += inside;
      }
    }
    for (int block = 0; block < kBlocks; ++block) {
      if (open_pixels[block] > 0) alive |= 1u << block;
    }
  }

  void close(int across, int pack_row, unsigned pixels_of_pack) {
    const int block = across * kBlocksDown + pack_row * kPackRows<P> / kBlockRows;
    open_pixels[block] -= __builtin_popcount(pixels_of_pack);
    if (open_pixels[block] == 0) alive &= ~(1u << block);
  }
};

template <class P>
void write_tile(const Tile<P>& tile, const TileExtent& extent,
                const BlendTileParams<typename P::Scalar>& params) {
  using T = Tile<P>;
  using S = typename P::Scalar;
  const auto& image = params.image;
  for (int y = 0; y < extent.rows; ++y) {
    for (int x = 0; x < extent.columns; x += kPackColumns) {
      const auto& pixel = tile.pack_at(x, y);
      const int lane = tile.lane_of(x, y);
      const int count = extent.columns - x < kPackColumns ? extent.columns - x : kPackColumns;
      const std::int64_t at = static_cast<std::int64_t>(extent.y + y) * image.width + extent.x + x;
      const auto copy = [&](int plane, S* to) {
        for (int k = 0; k < count; ++k) to[at + k] = pixel[plane][lane + k];
      };
      copy(T::kRed, image.red);
      copy(T::kGreen, image.green);
      copy(T::kBlue, image.blue);
      copy(T::kDepth, image.depth);
      for (int k = 0; k < count; ++k) image.alpha[at + k] = 1 - pixel[T::kTransmittance][lane + k];
      if (params.stop == nullptr) continue;
      copy(T::kTransmittance, params.transmittance);
      for (int k = 0; k < count; ++k) {
        params.stop[at + k] = static_cast<std::uint32_t>(pixel[T::kStop][lane + k]);
      }
    }
  }
}

template <class P, bool kCount>
BlendCounts blend_tile_body(const BlendTileParams<typename P::Scalar>& params) {
  using T = Tile<P>;
  using S = typename P::Scalar;
  const TileExtent extent(params.tile_x, params.tile_y, params.image.width, params.image.height);
  T tile(extent, params.entry_count);
  BlendCounts counts;

  for (std::int64_t e = 0; e < params.entry_count && tile.alive != 0; ++e) {
    constexpr std::int64_t kAhead = 12;
    if (e + kAhead < params.entry_count) __builtin_prefetch(&params.records[params.entries[e + kAhead]]);
    const SplatRecord<S>& splat = params.records[params.entries[e]];
    ++counts.processed;
    const P red(splat.red), green(splat.green), blue(splat.blue), z(splat.z), conic_yy(splat.conic_yy);
    const P y_splat(splat.y);
    Column<P> column;
    for_each_run<P>(
        splat, extent, tile.alive, [&](int across) { column.set(splat, tile.x_centre[across]); },
        [&](int across, int first, int end) {
          for (int row = first; row < end; ++row) {
            auto& pixel = tile.packs[across][row];
            const P dy = P::load(tile.y_centre[row]) - y_splat;
            const P exponent = exponent_at(column.base, column.slope, conic_yy, dy);
            PixelLight<P> light;
            light.cut = P::load(pixel[T::kCut]);
            const auto drawn = exponent >= light.cut;
            if (!any(drawn)) continue;
            light.transmittance = P::load(pixel[T::kTransmittance]);
            typename P::Mask closing;
            const P weight = blend_weight(light, drawn, exponent, closing);
            light.transmittance.store(pixel[T::kTransmittance]);
            const auto add = [&](const P& value, int plane) {
              mul_add(weight, value, P::load(pixel[plane])).store(pixel[plane]);
            };
            add(red, T::kRed);
            add(green, T::kGreen);
            add(blue, T::kBlue);
            add(z, T::kDepth);
            if (any(closing)) {
              light.cut.store(pixel[T::kCut]);
              select(closing, P(static_cast<S>(e)), P::load(pixel[T::kStop])).store(pixel[T::kStop]);
              tile.close(across, row, closing.bits());
            }
            if constexpr (kCount) {
              counts.contributing += __builtin_popcount(drawn.bits() & ~closing.bits());
            }
          }
        });
  }
  write_tile(tile, extent, params);
  return counts;
}

template <class P>
BlendCounts blend_tile(const BlendTileParams<typename P::Scalar>& params) {
  return blend_tile_body<P, false>(params);
}
template <class P>
BlendCounts blend_tile_counting(const BlendTileParams<typename P::Scalar>& params) {
  return blend_tile_body<P, true>(params);
}

}  // namespace
}  // namespace renderfm::raster::cpu
