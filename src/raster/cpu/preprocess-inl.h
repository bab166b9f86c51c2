// From Gaussians to splat records, one lane a Gaussian. Included by one translation unit per instruction set;
// nothing here may be a plain inline function, or the linker could hand one unit's AVX code to another.
#pragma once

#include <cstdint>

#include "raster/cpu/kernels.h"
#include "renderfm/raster/constants.h"
#include "renderfm/raster/splat.h"
#include "renderfm/raster/tiles.h"

namespace renderfm::raster::cpu {
namespace {

/// Loads columns of row-major [N, kStride] matrices, one row a lane, and notices NaN and infinity on the way.
template <class P>
struct RowLoader {
  using S = typename P::Scalar;
  /// Lanes beyond `lane_count` repeat the last row.
  explicit RowLoader(int lane_count) : not_finite(S(0)) {
    for (int lane = 0; lane < P::kWidth; ++lane) row[lane] = lane < lane_count ? lane : lane_count - 1;
  }
  template <int kStride, int kColumns>
  void load(const S* first_row, P* columns) {
    alignas(64) std::int32_t offset[P::kWidth];
    for (int lane = 0; lane < P::kWidth; ++lane) offset[lane] = row[lane] * kStride;
    for (int column = 0; column < kColumns; ++column) {
      columns[column] = P::gather(first_row + column, offset);
      not_finite = not_finite + columns[column] * P(S(0));
    }
  }
  void load_geometry(const GaussianPointers<S>& g, std::int64_t first, GaussianValues<P>& values) {
    P position[3], direction_mean[3];
    load<3, 3>(g.position_mm + 3 * first, position);
    load<3, 3>(g.direction_mean + 3 * first, direction_mean);
    load<1, 1>(g.opacity + first, &values.opacity);
    load<layout::kCholCount, layout::kCholCount>(g.chol + layout::kCholCount * first, values.chol);
    values.position_mm = {position[0], position[1], position[2]};
    values.direction_mean = {direction_mean[0], direction_mean[1], direction_mean[2]};
  }
  void load_colour(const GaussianPointers<S>& g, std::int64_t first, GaussianValues<P>& values) {
    load<layout::kShCount, layout::kShCount>(g.sh + layout::kShCount * first, values.sh);
  }
  /// Lanes whose loads were all finite so far.
  typename P::Mask finite() const { return not_finite <= P(S(0)); }

  std::int32_t row[P::kWidth];
  P not_finite;
};

/// Ten numbers and a box for every lane, to be written out lane by lane.
template <class P>
struct RecordLanes {
  using S = typename P::Scalar;
  static constexpr int kFields = 14;
  alignas(64) S field[kFields][P::kWidth];

  RecordLanes(const Footprint<P>& f, const PixelBox<P>& box, const P* rgb) {
    const P fields[kFields] = {f.x,    f.y,    f.conic_xx, f.conic_xy,  f.conic_yy,  f.log2_alpha, rgb[0],
                               rgb[1], rgb[2], f.z,        box.x_begin, box.y_begin, box.x_end,    box.y_end};
    for (int k = 0; k < kFields; ++k) fields[k].store(field[k]);
  }
  void write(int lane, SplatRecord<S>& record) const {
    S* const values = &record.x;
    for (int k = 0; k < 10; ++k) values[k] = field[k][lane];
    record.x_begin = static_cast<std::int32_t>(field[10][lane]);
    record.y_begin = static_cast<std::int32_t>(field[11][lane]);
    record.x_end = static_cast<std::int32_t>(field[12][lane]);
    record.y_end = static_cast<std::int32_t>(field[13][lane]);
  }
};

template <class P>
void preprocess(const PreprocessParams<typename P::Scalar>& params, std::int64_t begin, std::int64_t end,
                ChunkSummary<typename P::Scalar>* summaries) {
  using S = typename P::Scalar;
  const GaussianPointers<S>& g = params.gaussians;
  for (int v = 0; v < params.view_count; ++v) summaries[v] = {};
  for (std::int64_t i = begin; i < end; i += P::kWidth) {
    const int lane_count = end - i < P::kWidth ? static_cast<int>(end - i) : P::kWidth;
    const unsigned lanes = P::first_lanes(lane_count).bits();
    RowLoader<P> loader(lane_count);
    GaussianValues<P> values;
    loader.load_geometry(g, i, values);
    P exempt(S(0));
    if (g.clip.count > 0 && g.clip.exempt != nullptr) loader.template load<1, 1>(g.clip.exempt + i, &exempt);
    const unsigned sound = loader.finite().bits() & lanes;
    bool colour_loaded = false;
    for (int v = 0; v < params.view_count; ++v) {
      const View<S>& view = params.views[v];
      ChunkSummary<S>& summary = summaries[v];
      const Slice<P> slice = slice6d(offset_from_camera(view, values.position_mm), values.direction_mean,
                                     values.chol, P(g.lambda_opacity));
      const P opacity =
          g.clip.count == 0
              ? values.opacity
              : values.opacity *
                    maximum(clip_share(g.clip, view.position_mm, slice.mean_offset, values.chol), exempt);
      const Footprint<P> f =
          project(view, slice.mean_offset, values.chol, opacity, slice.log2_falloff, g.low_pass_compensation);
      const PixelBox<P> box = pixel_box(f.x, f.y, f.half_width, f.half_height, P(view.width), P(view.height));
      const unsigned candidates =
          (is_drawable(view, f) & (box.x_begin < box.x_end) & (box.y_begin < box.y_end)).bits() & sound;
      unsigned not_finite = lanes & ~sound;
      if (candidates != 0) {
        if (!colour_loaded) {
          loader.load_colour(g, i, values);
          colour_loaded = true;
        }
        const unsigned drawable = candidates & loader.finite().bits();
        not_finite |= candidates & ~drawable;
        const P rgb[3] = {splat_colour(values.sh, 0, slice.direction),
                          splat_colour(values.sh, 1, slice.direction),
                          splat_colour(values.sh, 2, slice.direction)};
        const RecordLanes<P> out(f, box, rgb);
        SplatRecord<S>* const records = params.records[v] + begin;
        for (unsigned left = drawable; left != 0; left &= left - 1) {
          const int lane = __builtin_ctz(left);
          SplatRecord<S>& record = records[summary.drawable++];
          out.write(lane, record);
          record.index = static_cast<std::uint32_t>(i + lane);
          record.first_slot = static_cast<std::uint32_t>(summary.entries);
          summary.entries += tile_rect(record.x_begin, record.y_begin, record.x_end, record.y_end).count();
          summary.z_min = record.z < summary.z_min ? record.z : summary.z_min;
          summary.z_max = record.z > summary.z_max ? record.z : summary.z_max;
        }
      }
      summary.not_finite += __builtin_popcount(not_finite);
    }
  }
}

}  // namespace
}  // namespace renderfm::raster::cpu
