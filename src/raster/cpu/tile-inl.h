// A tile of pixels while it is blended, forward or back. Included by one translation unit per instruction
// set.
#pragma once

#include <cstdint>

#include "raster/cpu/kernels.h"
#include "renderfm/raster/blend.h"
#include "renderfm/raster/constants.h"

namespace renderfm::raster::cpu {
namespace {

/// A pack covers 4 columns of pixels and as many rows as it has lanes for: the nearer to a square, the fewer
/// lanes fall outside a small disc. Blocks are 4 columns wide and 8 rows high, one bit each.
inline constexpr int kPackColumns = 4;
inline constexpr int kBlockRows = 8;
inline constexpr int kBlocksAcross = kTileSize / kPackColumns;
inline constexpr int kBlocksDown = kTileSize / kBlockRows;
inline constexpr int kBlocks = kBlocksAcross * kBlocksDown;
static_assert(kBlocks == 32);

inline constexpr int block_of(int x, int y) { return x / kPackColumns * kBlocksDown + y / kBlockRows; }

template <class P>
inline constexpr int kPackRows = P::kWidth / kPackColumns;
template <class P>
inline constexpr int kPacksDown = kTileSize / kPackRows<P>;

/// The part of a tile that lies in the image.
struct TileExtent {
  int x, y;           // of the first pixel
  int columns, rows;  // within the image

  TileExtent(int tile_x, int tile_y, int width, int height)
      : x(tile_x * kTileSize),
        y(tile_y * kTileSize),
        columns(width - x < kTileSize ? width - x : kTileSize),
        rows(height - y < kTileSize ? height - y : kTileSize) {}
};

/// Planes of a tile's pixels and the coordinates of their centres. The planes of one pack lie together:
/// planes 4 KB apart would compete for the same cache sets.
template <class P, int kPlanes>
struct TilePixels {
  using S = typename P::Scalar;
  using Pack = S[kPlanes][P::kWidth];

  alignas(64) Pack packs[kBlocksAcross][kPacksDown<P>];
  alignas(64) S x_centre[kBlocksAcross][P::kWidth];
  alignas(64) S y_centre[kPacksDown<P>][P::kWidth];

  explicit TilePixels(const TileExtent& extent) {
    for (int lane = 0; lane < P::kWidth; ++lane) {
      for (int column = 0; column < kBlocksAcross; ++column) {
        x_centre[column][lane] =
            static_cast<S>(extent.x + column * kPackColumns + lane % kPackColumns) + S(0.5);
      }
      for (int row = 0; row < kPacksDown<P>; ++row) {
        y_centre[row][lane] = static_cast<S>(extent.y + row * kPackRows<P> + lane / kPackColumns) + S(0.5);
      }
    }
  }
  Pack& pack_at(int x, int y) { return packs[x / kPackColumns][y / kPackRows<P>]; }
  const Pack& pack_at(int x, int y) const { return packs[x / kPackColumns][y / kPackRows<P>]; }
  static int lane_of(int x, int y) { return y % kPackRows<P> * kPackColumns + x % kPackColumns; }
};

/// For every column of packs of a tile the rows of packs that a splat reaches: the bounds of its ellipse
/// p >= cut over the strip of the column's pixel centres, rounded out. Empty where begin >= end.
template <class P>
struct Spans {
  using S = typename P::Scalar;
  static constexpr int kAtOnce = P::kWidth < kBlocksAcross ? P::kWidth : kBlocksAcross;
  static constexpr int kRoom = P::kWidth < kBlocksAcross ? kBlocksAcross : P::kWidth;
  alignas(64) S begin[kRoom];
  alignas(64) S end[kRoom];

  // yy dy^2 + xy dx dy + xx dx^2 + (log2_alpha - cut) = 0 is met at dy = (-xy dx +- sqrt(disc)) / (2 yy),
  // disc = spread dx^2 + depth. The ellipse's highest and lowest points lie where dp/ddx = 0.
  Spans(const SplatRecord<S>& splat, const TileExtent& tile) {
    const S xx = splat.conic_xx, xy = splat.conic_xy, yy = splat.conic_yy;
    const S drop = splat.log2_alpha - S(kLog2AlphaCut);
    const S product = 4 * xx * yy, spread = xy * xy - product, depth = -4 * yy * drop;
    if (!(-spread > S(1e-4) * product)) {  // a needle: the difference has lost its digits
      fill(splat, tile);
      return;
    }
    // The difference's rounding, relative to disc's largest value, enters a root that may be near 0.
    const S slack = depth * (S(1e-6) * product / -spread);
    const S x_lowest = -xy / (2 * xx) * square_root(4 * xx * drop / spread);
    const S margin = S(0.02) + S(1e-6) * (maximum(splat.x, -splat.x) + maximum(splat.y, -splat.y));
    const S y_in_tile = splat.y - static_cast<S>(tile.y);
    alignas(64) static constexpr S kNumbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    for (int first = 0; first < kBlocksAcross; first += kAtOnce) {
      const P left = mul_add(P::load(kNumbers), P(S(kPackColumns)),
                             P(static_cast<S>(tile.x + first * kPackColumns) + S(0.5) - splat.x));
      const P right = left + P(S(kPackColumns - 1));
      // side +1: the root with the smaller dy, since yy < 0.
      const auto bound = [&](S x_extreme, S side) {
        const P dx = minimum(maximum(P(x_extreme), left), right);
        const P disc = mul_add(P(spread) * dx, dx, P(depth + slack));
        const P root = square_root(maximum(disc, P(S(0))));
        const P dy = mul_add(P(side), root, P(-xy) * dx) * P(S(0.5) / yy);
        const P y =
            dy + P(y_in_tile - side * margin - S(0.5));      // in units of rows: a centre is a whole number
        return select(disc < P(S(0)), P(S(1e6) * side), y);  // the strip misses the ellipse
      };
      const P first_row = -round_down(-bound(-x_lowest, S(1))), last_row = round_down(bound(x_lowest, S(-1)));
      const P per_pack(S(1) / S(kPackRows<P>)), limit{S(kPacksDown<P>)}, zero{S(0)};
      minimum(maximum(round_down(first_row * per_pack), zero), limit).store(begin + first);
      minimum(maximum(round_down(last_row * per_pack) + P(S(1)), zero), limit).store(end + first);
    }
  }

  void fill(const SplatRecord<S>& splat, const TileExtent& tile) {
    const int y_begin = splat.y_begin > tile.y ? splat.y_begin - tile.y : 0;
    const int y_end = splat.y_end - tile.y < kTileSize ? splat.y_end - tile.y : kTileSize;
    for (int column = 0; column < kRoom; ++column) {
      begin[column] = static_cast<S>(y_begin / kPackRows<P>);
      end[column] = static_cast<S>((y_end - 1) / kPackRows<P> + 1);
    }
  }
};

/// Calls enter(column) and then visit(column, first pack row, end of pack rows) for the runs of live blocks
/// that a splat reaches.
template <class P, class S, class Enter, class Visit>
void for_each_run(const SplatRecord<S>& splat, const TileExtent& tile, const std::uint32_t& alive,
                  const Enter& enter, const Visit& visit) {
  constexpr int kPacks = kBlockRows / kPackRows<P>;  // of a block
  const int x_begin = splat.x_begin > tile.x ? splat.x_begin - tile.x : 0;
  const int x_end = splat.x_end - tile.x < kTileSize ? splat.x_end - tile.x : kTileSize;
  const Spans<P> spans(splat, tile);
  for (int column = x_begin / kPackColumns; column <= (x_end - 1) / kPackColumns; ++column) {
    const int row_begin = static_cast<int>(spans.begin[column]),
              row_end = static_cast<int>(spans.end[column]);
    if (row_begin >= row_end) continue;
    const int block_begin = row_begin / kPacks, block_end = (row_end - 1) / kPacks + 1;
    std::uint32_t left = (alive >> (column * kBlocksDown)) & ((1u << block_end) - (1u << block_begin));
    if (left == 0) continue;
    enter(column);
    while (left != 0) {
      const int run_begin = __builtin_ctz(left), run_end = run_begin + __builtin_ctz(~(left >> run_begin));
      const int top = run_begin * kPacks, bottom = run_end * kPacks;
      visit(column, top > row_begin ? top : row_begin, bottom < row_end ? bottom : row_end);
      left &= ~((1u << run_end) - 1u);
    }
  }
}

/// What the exponents of one column of packs share.
template <class P>
struct Column {
  P dx, base, slope;

  template <class S>
  void set(const SplatRecord<S>& splat, const S* x_centre) {
    dx = P::load(x_centre) - P(splat.x);
    base = mul_add(P(splat.conic_xx) * dx, dx, P(splat.log2_alpha));
    slope = P(splat.conic_xy) * dx;
  }
};

}  // namespace
}  // namespace renderfm::raster::cpu
