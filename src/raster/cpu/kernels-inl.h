// The body of the kernels, templated on the SIMD pack P. Included by one translation unit per instruction
// set; nothing here may be a plain inline function, or the linker could hand one unit's AVX code to another.
#pragma once

#include <cstdint>

#include "raster/cpu/kernels.h"
#include "renderfm/gaussian/layout.h"
#include "renderfm/math/sh.h"
#include "renderfm/raster/blend.h"
#include "renderfm/raster/constants.h"
#include "renderfm/raster/project.h"
#include "renderfm/raster/raster_params.h"
#include "renderfm/raster/slice6d.h"
#include "renderfm/raster/tiles.h"

namespace renderfm::raster::cpu {
namespace {

/// Loads columns of row-major [N, kStride] matrices, one row a lane, and notices NaN and infinity on the way.
template <class P>
struct RowLoader {
  explicit RowLoader(int lane_count) : not_finite(0.0f) {
    for (int lane = 0; lane < P::kWidth; ++lane) row[lane] = lane < lane_count ? lane : lane_count - 1;
  }
  template <int kStride, int kColumns>
  void load(const float* first_row, P* columns) {
    alignas(64) std::int32_t offset[P::kWidth];
    for (int lane = 0; lane < P::kWidth; ++lane) offset[lane] = row[lane] * kStride;
    for (int column = 0; column < kColumns; ++column) {
      columns[column] = P::gather(first_row + column, offset);
      not_finite = not_finite + columns[column] * P(0.0f);
    }
  }
  /// Lanes whose loads were all finite so far.
  typename P::Mask finite() const { return not_finite <= P(0.0f); }

  std::int32_t row[P::kWidth];
  P not_finite;
};

template <class P>
ChunkSummary preprocess(const PreprocessParams& params, std::int64_t begin, std::int64_t end,
                        SplatRecord* records) {
  const GaussianPointers& g = params.gaussians;
  ChunkSummary summary;
  summary.z_min = __builtin_huge_valf();
  summary.z_max = -__builtin_huge_valf();
  const Vec3<P> camera{P(params.view.position_mm.x), P(params.view.position_mm.y),
                       P(params.view.position_mm.z)};
  for (std::int64_t i = begin; i < end; i += P::kWidth) {
    const int lane_count = end - i < P::kWidth ? static_cast<int>(end - i) : P::kWidth;
    const unsigned lanes = P::first_lanes(lane_count).bits();
    RowLoader<P> loader(lane_count);
    P position[3], direction_mean[3], chol[layout::kCholCount], opacity;
    loader.template load<3, 3>(g.position_mm + 3 * i, position);
    loader.template load<3, 3>(g.direction_mean + 3 * i, direction_mean);
    loader.template load<1, 1>(g.opacity + i, &opacity);
    loader.template load<layout::kCholCount, layout::kCholCount>(g.chol + layout::kCholCount * i, chol);

    const Slice<P> slice =
        slice6d(Vec3<P>{position[0], position[1], position[2]} - camera,
                Vec3<P>{direction_mean[0], direction_mean[1], direction_mean[2]}, chol, P(g.lambda_opacity));
    const Footprint<P> f =
        project(params.view, slice.mean_offset, chol, opacity, slice.log2_falloff, g.low_pass_compensation);
    const PixelBox<P> box =
        pixel_box(f.x, f.y, f.half_width, f.half_height, P(params.view.width), P(params.view.height));
    const unsigned candidates = (is_drawable(params.view, f) & (box.x_begin < box.x_end) &
                                 (box.y_begin < box.y_end) & loader.finite())
                                    .bits() &
                                lanes;
    unsigned not_finite = ~loader.finite().bits() & lanes;
    if (candidates != 0) {
      P sh[layout::kShCount];
      loader.template load<layout::kShCount, layout::kShCount>(g.sh + layout::kShCount * i, sh);
      const unsigned drawable = candidates & loader.finite().bits();
      not_finite |= candidates & ~drawable;
      const auto colour = [&](int channel) {
        return sh_colour(sh[channel], sh[3 + channel], sh[6 + channel], sh[9 + channel], slice.direction);
      };
      const P fields[] = {f.x,          f.y,         f.conic_xx, f.conic_xy, f.conic_yy,
                          f.log2_alpha, colour(0),   colour(1),  colour(2),  f.z,
                          box.x_begin,  box.y_begin, box.x_end,  box.y_end};
      constexpr int kFields = sizeof(fields) / sizeof(fields[0]);
      alignas(64) float lane_of[kFields][P::kWidth];
      for (int field = 0; field < kFields; ++field) fields[field].store(lane_of[field]);
      for (unsigned left = drawable; left != 0; left &= left - 1) {
        const int lane = __builtin_ctz(left);
        SplatRecord& record = records[summary.drawable++];
        float* const values = &record.x;
        for (int field = 0; field < 10; ++field) values[field] = lane_of[field][lane];
        record.x_begin = static_cast<std::int32_t>(lane_of[10][lane]);
        record.y_begin = static_cast<std::int32_t>(lane_of[11][lane]);
        record.x_end = static_cast<std::int32_t>(lane_of[12][lane]);
        record.y_end = static_cast<std::int32_t>(lane_of[13][lane]);
        record.index = i + lane;
        summary.z_min = record.z < summary.z_min ? record.z : summary.z_min;
        summary.z_max = record.z > summary.z_max ? record.z : summary.z_max;
      }
    }
    summary.not_finite += __builtin_popcount(not_finite);
  }
  return summary;
}

/// A tile's pixels, cut into blocks one pack wide and kBlockRows high. A block dies when all its pixels are
/// closed.
template <class P>
struct Tile {
  static constexpr int kPacks = kTileSize / P::kWidth;
  static constexpr int kBlockRows = 8;
  static constexpr int kBlocksDown = kTileSize / kBlockRows;
  static_assert(kPacks * kBlocksDown <= 32, "one bit a block");
  enum Plane { kTransmittance, kCut, kRed, kGreen, kBlue, kDepth, kPlanes };

  /// The planes of one pack of pixels lie together: planes 4 KB apart would compete for the same cache sets.
  alignas(64) float pixels[kPacks][kTileSize][kPlanes][P::kWidth];
  std::int32_t open_pixels[kPacks][kBlocksDown];
  std::uint32_t alive;  ///< bit pack * kBlocksDown + block

  /// Pixels beyond the image are closed from the start.
  Tile(int columns, int rows) : alive(0) {
    for (int pack = 0; pack < kPacks; ++pack) {
      for (int block = 0; block < kBlocksDown; ++block) open_pixels[pack][block] = 0;
      for (int y = 0; y < kTileSize; ++y) {
        for (int plane = 0; plane < kPlanes; ++plane) {
          P(plane == kTransmittance ? 1.0f : 0.0f).store(pixels[pack][y][plane]);
        }
        for (int lane = 0; lane < P::kWidth; ++lane) {
          const bool inside = pack * P::kWidth + lane < columns && y < rows;
          pixels[pack][y][kCut][lane] = inside ? kLog2AlphaCut : __builtin_huge_valf();
          open_pixels[pack][y / kBlockRows] += inside;
        }
      }
      for (int block = 0; block < kBlocksDown; ++block) {
        if (open_pixels[pack][block] > 0) alive |= 1u << (pack * kBlocksDown + block);
      }
    }
  }
};

template <class P, bool kCount>
BlendCounts blend_tile_body(const BlendTileParams& params) {
  using T = Tile<P>;
  const ImagePointers& image = params.image;
  const int x_tile = params.tile_x * kTileSize, y_tile = params.tile_y * kTileSize;
  const int columns = image.width - x_tile < kTileSize ? image.width - x_tile : kTileSize;
  const int rows = image.height - y_tile < kTileSize ? image.height - y_tile : kTileSize;
  T tile(columns, rows);
  BlendCounts counts;

  for (std::int64_t e = 0; e < params.entry_count && tile.alive != 0; ++e) {
    constexpr std::int64_t kAhead = 12;
    if (e + kAhead < params.entry_count) __builtin_prefetch(&params.records[params.entries[e + kAhead]]);
    const SplatRecord& splat = params.records[params.entries[e]];
    if constexpr (kCount) ++counts.processed;
    const int x_begin = splat.x_begin > x_tile ? splat.x_begin - x_tile : 0;
    const int y_begin = splat.y_begin > y_tile ? splat.y_begin - y_tile : 0;
    const int x_end = splat.x_end - x_tile < kTileSize ? splat.x_end - x_tile : kTileSize;
    const int y_end = splat.y_end - y_tile < kTileSize ? splat.y_end - y_tile : kTileSize;
    const int block_begin = y_begin / T::kBlockRows, block_end = (y_end - 1) / T::kBlockRows + 1;
    const std::uint32_t block_mask = ((1u << (block_end - block_begin)) - 1u) << block_begin;
    const P red(splat.red), green(splat.green), blue(splat.blue), z(splat.z), conic_yy(splat.conic_yy);

    for (int pack = x_begin / P::kWidth; pack <= (x_end - 1) / P::kWidth; ++pack) {
      std::uint32_t touched = (tile.alive >> (pack * T::kBlocksDown)) & block_mask;
      if (touched == 0) continue;
      const P dx = P::ramp() + P(static_cast<float>(x_tile + pack * P::kWidth) + 0.5f - splat.x);
      const P base = mul_add(P(splat.conic_xx) * dx, dx, P(splat.log2_alpha));
      const P slope = P(splat.conic_xy) * dx;
      for (; touched != 0; touched &= touched - 1) {
        const int block = __builtin_ctz(touched);
        const int first = block * T::kBlockRows > y_begin ? block * T::kBlockRows : y_begin;
        const int last = (block + 1) * T::kBlockRows < y_end ? (block + 1) * T::kBlockRows : y_end;
        unsigned closed = 0;
        float dy = static_cast<float>(y_tile + first) + 0.5f - splat.y;
        for (int y = first; y < last; ++y, dy += 1.0f) {
          float(*const pixel)[P::kWidth] = tile.pixels[pack][y];
          const P exponent = exponent_at(base, slope, conic_yy, P(dy));
          PixelState<P> state;
          state.cut = P::load(pixel[T::kCut]);
          const auto drawn = exponent >= state.cut;
          if (drawn.bits() == 0) continue;
          state.transmittance = P::load(pixel[T::kTransmittance]);
          state.red = P::load(pixel[T::kRed]);
          state.green = P::load(pixel[T::kGreen]);
          state.blue = P::load(pixel[T::kBlue]);
          state.depth = P::load(pixel[T::kDepth]);
          const unsigned closing = blend_step(state, drawn, exponent, red, green, blue, z).bits();
          state.transmittance.store(pixel[T::kTransmittance]);
          state.red.store(pixel[T::kRed]);
          state.green.store(pixel[T::kGreen]);
          state.blue.store(pixel[T::kBlue]);
          state.depth.store(pixel[T::kDepth]);
          if (closing != 0) {
            state.cut.store(pixel[T::kCut]);
            closed += static_cast<unsigned>(__builtin_popcount(closing));
          }
          if constexpr (kCount) counts.contributing += __builtin_popcount(drawn.bits() & ~closing);
        }
        if (closed != 0) {
          tile.open_pixels[pack][block] -= static_cast<std::int32_t>(closed);
          if (tile.open_pixels[pack][block] == 0) tile.alive &= ~(1u << (pack * T::kBlocksDown + block));
        }
      }
    }
  }

  for (int y = 0; y < rows; ++y) {
    const std::int64_t row = static_cast<std::int64_t>(y_tile + y) * image.width + x_tile;
    for (int x = 0; x < columns; ++x) {
      const float(*const pixel)[P::kWidth] = tile.pixels[x / P::kWidth][y];
      const int lane = x % P::kWidth;
      image.red[row + x] = pixel[T::kRed][lane];
      image.green[row + x] = pixel[T::kGreen][lane];
      image.blue[row + x] = pixel[T::kBlue][lane];
      image.alpha[row + x] = 1.0f - pixel[T::kTransmittance][lane];
      image.depth[row + x] = pixel[T::kDepth][lane];
    }
  }
  return counts;
}

template <class P>
void blend_tile(const BlendTileParams& params) {
  blend_tile_body<P, false>(params);
}
template <class P>
BlendCounts blend_tile_counting(const BlendTileParams& params) {
  return blend_tile_body<P, true>(params);
}

}  // namespace
}  // namespace renderfm::raster::cpu
