// Back to front over one tile. Included by one translation unit per instruction set.
#pragma once

#include "raster/cpu/tile-inl.h"

namespace renderfm::raster::cpu {
namespace {

/// The tile on its way back. A block wakes when the walk reaches the last entry that one of its pixels saw.
template <class P>
struct SuffixTile : TilePixels<P, 7> {
  using S = typename P::Scalar;
  enum Plane { kTransmittance, kBehind, kStop, kRed, kGreen, kBlue, kDepth };

  std::uint32_t last_entry[kBlocks] = {};  // of the block, as a count
  std::uint32_t alive = 0;
  std::int64_t next_wake = 0;  // the largest last_entry of the sleeping blocks

  SuffixTile(const TileExtent& extent, const BlendTileBackwardParams<S>& params) : TilePixels<P, 7>(extent) {
    const auto& v = params.v_image;
    for (int y = 0; y < kTileSize; ++y) {
      const std::int64_t row = static_cast<std::int64_t>(extent.y + y) * v.width + extent.x;
      for (int x = 0; x < kTileSize; ++x) {
        auto& pixel = this->pack_at(x, y);
        const int lane = this->lane_of(x, y);
        const bool inside = x < extent.columns && y < extent.rows;
        const std::uint32_t stop = inside ? clipped(params.stop[row + x], params.processed) : 0;
        const S transmittance = inside ? params.transmittance[row + x] : S(1);
        pixel[kTransmittance][lane] = transmittance;
        pixel[kBehind][lane] = inside && v.alpha != nullptr ? -v.alpha[row + x] * transmittance : S(0);
        pixel[kStop][lane] = static_cast<S>(stop);
        pixel[kRed][lane] = inside ? v.red[row + x] : S(0);
        pixel[kGreen][lane] = inside ? v.green[row + x] : S(0);
        pixel[kBlue][lane] = inside ? v.blue[row + x] : S(0);
        pixel[kDepth][lane] = inside && v.depth != nullptr ? v.depth[row + x] : S(0);
        std::uint32_t& last = last_entry[block_of(x, y)];
        last = stop > last ? stop : last;
      }
    }
    for (const std::uint32_t last : last_entry) next_wake = last > next_wake ? last : next_wake;
  }
  static std::uint32_t clipped(std::uint32_t stop, std::int64_t processed) {
    return stop < processed ? stop : static_cast<std::uint32_t>(processed);
  }

  /// The walk is at entry `e`: wakes the blocks whose pixels saw it.
  void wake(std::int64_t e) {
    if (e >= next_wake) return;
    next_wake = 0;
    for (int block = 0; block < kBlocks; ++block) {
      if (e < last_entry[block]) {
        alive |= 1u << block;
      } else if (last_entry[block] > next_wake) {
        next_wake = last_entry[block];
      }
    }
  }
};

/// Sums over the pixels of one splat, lane by lane: moments of dL/dexponent about its centre, and weighted
/// image gradients.
template <class P>
struct SplatSums {
  using S = typename P::Scalar;
  P one{S(0)}, x{S(0)}, y{S(0)}, xx{S(0)}, xy{S(0)}, yy{S(0)};
  P red{S(0)}, green{S(0)}, blue{S(0)}, depth{S(0)};

  /// Sums over the lanes, in lane order, to the gradient of the record.
  SplatGradient<S> gradient(const SplatRecord<S>& splat) const {
    constexpr auto ln2 = static_cast<S>(kLn2);
    const S sum_x = ln2 * sum_lanes(x), sum_y = ln2 * sum_lanes(y);
    SplatGradient<S> v;
    v.log2_alpha = ln2 * sum_lanes(one);
    v.conic_xx = ln2 * sum_lanes(xx);
    v.conic_xy = ln2 * sum_lanes(xy);
    v.conic_yy = ln2 * sum_lanes(yy);
    v.x = -(2 * splat.conic_xx * sum_x + splat.conic_xy * sum_y);
    v.y = -(splat.conic_xy * sum_x + 2 * splat.conic_yy * sum_y);
    v.red = sum_lanes(red);
    v.green = sum_lanes(green);
    v.blue = sum_lanes(blue);
    v.z = sum_lanes(depth);
    return v;
  }
};

template <class P, bool kDepth>
void blend_tile_backward_body(const BlendTileBackwardParams<typename P::Scalar>& params) {
  using T = SuffixTile<P>;
  using S = typename P::Scalar;
  const TileExtent extent(params.tile_x, params.tile_y, params.v_image.width, params.v_image.height);
  T tile(extent, params);

  for (std::int64_t e = tile.next_wake - 1; e >= 0; --e) {
    constexpr std::int64_t kAhead = 12;
    if (e >= kAhead) __builtin_prefetch(&params.records[params.entries[e - kAhead]]);
    tile.wake(e);
    const std::uint32_t row_of_splat = params.entries[e];
    const SplatRecord<S>& splat = params.records[row_of_splat];
    const P red(splat.red), green(splat.green), blue(splat.blue), z(splat.z), conic_yy(splat.conic_yy);
    const P here(static_cast<S>(e)), cut{S(kLog2AlphaCut)};
    SplatSums<P> sums;
    bool reached = false;
    const P y_splat(splat.y);
    Column<P> column;
    for_each_run<P>(
        splat, extent, tile.alive, [&](int across) { column.set(splat, tile.x_centre[across]); },
        [&](int across, int first, int end) {
          P one{S(0)}, moment_y{S(0)}, moment_yy{S(0)};
          for (int row = first; row < end; ++row) {
            auto& pixel = tile.packs[across][row];
            const P dy = P::load(tile.y_centre[row]) - y_splat;
            const P exponent = exponent_at(column.base, column.slope, conic_yy, dy);
            const auto drawn = (exponent >= cut) & (here < P::load(pixel[T::kStop]));
            if (!any(drawn)) continue;
            reached = true;
            const P v_red = P::load(pixel[T::kRed]), v_green = P::load(pixel[T::kGreen]),
                    v_blue = P::load(pixel[T::kBlue]);
            P v_weight = mul_add(v_red, red, mul_add(v_green, green, v_blue * blue));
            if constexpr (kDepth) v_weight = mul_add(P::load(pixel[T::kDepth]), z, v_weight);
            PixelSuffix<P> suffix{P::load(pixel[T::kTransmittance]), P::load(pixel[T::kBehind])};
            const PairGradient<P> v = blend_backward(suffix, drawn, exponent, v_weight);
            suffix.transmittance.store(pixel[T::kTransmittance]);
            suffix.behind.store(pixel[T::kBehind]);
            const P along = v.exponent * dy;
            one = one + v.exponent;
            moment_y = moment_y + along;
            moment_yy = mul_add(along, dy, moment_yy);
            sums.red = mul_add(v.weight, v_red, sums.red);
            sums.green = mul_add(v.weight, v_green, sums.green);
            sums.blue = mul_add(v.weight, v_blue, sums.blue);
            if constexpr (kDepth) sums.depth = mul_add(v.weight, P::load(pixel[T::kDepth]), sums.depth);
          }
          const P moment_x = one * column.dx;
          sums.one = sums.one + one;
          sums.x = sums.x + moment_x;
          sums.y = sums.y + moment_y;
          sums.xx = mul_add(moment_x, column.dx, sums.xx);
          sums.xy = mul_add(moment_y, column.dx, sums.xy);
          sums.yy = sums.yy + moment_yy;
        });
    if (!reached) continue;
    params.v_entries[e] = sums.gradient(splat);
    const TileRect rect = tile_rect(splat.x_begin, splat.y_begin, splat.x_end, splat.y_end);
    const int place =
        (params.tile_y - rect.y_begin) * (rect.x_end - rect.x_begin) + params.tile_x - rect.x_begin;
    params.links[params.chunk_first_slot[row_of_splat / kChunk] + splat.first_slot + place] =
        params.first_link + static_cast<std::uint32_t>(e) + 1;
  }
}

template <class P>
void blend_tile_backward(const BlendTileBackwardParams<typename P::Scalar>& params) {
  if (params.v_image.depth != nullptr) {
    blend_tile_backward_body<P, true>(params);
  } else {
    blend_tile_backward_body<P, false>(params);
  }
}

}  // namespace
}  // namespace renderfm::raster::cpu
