// From the gradients of splats to those of Gaussians and poses, one lane a Gaussian. Included by one
// translation unit per instruction set.
#pragma once

#include "raster/cpu/preprocess-inl.h"

namespace renderfm::raster::cpu {
namespace {

/// Calls use(gradient) for every tile that drew the splat, in the order of its slots.
template <class S, class Use>
void for_each_entry(const ChainView<S>& view, const SplatRecord<S>& splat, std::int64_t chunk, Use&& use) {
  const std::uint32_t* const links = view.links + view.chunk_first_slot[chunk] + splat.first_slot;
  const std::uint32_t count = tile_rect(splat.x_begin, splat.y_begin, splat.x_end, splat.y_end).count();
  for (std::uint32_t slot = 0; slot < count; ++slot) {
    if (links[slot] != 0) use(view.v_entries[links[slot] - 1]);
  }
}

/// The sum over a splat's tiles. Returns false where no tile drew it.
template <class S>
bool sum_entries(const ChainView<S>& view, const SplatRecord<S>& splat, std::int64_t chunk, S* sums) {
  bool any = false;
  for_each_entry(view, splat, chunk, [&](const SplatGradient<S>& gradient) {
    const S* const values = &gradient.x;
    for (int k = 0; k < 10; ++k) sums[k] = any ? sums[k] + values[k] : values[k];
    any = true;
  });
  return any;
}
static_assert(sizeof(SplatGradient<float>) == 10 * sizeof(float));

/// Gaussians of a chunk that some view drew, and the row of each in every view.
struct TouchedChunk {
  std::uint16_t list[kChunk];
  int count = 0;

  /// rows: [views, kChunk] 1 + row within the chunk, 0 where the view did not draw the Gaussian.
  template <class S>
  void find(const ChainParams<S>& params, std::int64_t chunk, std::uint16_t* rows) {
    const std::int64_t begin = chunk * kChunk;
    bool touched[kChunk] = {};
    for (int v = 0; v < params.view_count; ++v) {
      const ChainView<S>& view = params.views[v];
      std::uint16_t* const own = rows + v * kChunk;
      for (std::int64_t i = 0; i < kChunk; ++i) own[i] = 0;
      for (std::int64_t row = 0; row < view.chunks[chunk].drawable; ++row) {
        const std::int64_t place = view.records[begin + row].index - begin;
        own[place] = static_cast<std::uint16_t>(row + 1);
        touched[place] = true;
      }
    }
    for (std::int64_t i = 0; i < kChunk; ++i) {
      if (touched[i]) list[count++] = static_cast<std::uint16_t>(i);
    }
  }
};

template <class P>
void add_where(typename P::Mask mask, const P& value, P& sum) {
  sum = sum + select(mask, value, P(typename P::Scalar(0)));
}
template <class P>
void add_where(typename P::Mask mask, const Vec3<P>& value, Vec3<P>& sum) {
  for (int k = 0; k < 3; ++k) add_where(mask, value[k], sum[k]);
}

template <class P>
PoseGradient<P> zero_pose_gradient() {
  const P zero{typename P::Scalar(0)};
  const Vec3<P> none{zero, zero, zero};
  return {none, none, none, none};
}

/// Adds one view's share for the lanes that it drew. Other lanes compute on zero gradients, and what they
/// give (0 times infinity, perhaps) is dropped.
template <class P>
void add_view(const ChainParams<typename P::Scalar>& params, int v, const SplatGradient<P>& v_splat,
              typename P::Mask drawn, const GaussianValues<P>& values, GaussianValues<P>& v_sum,
              PoseGradient<P>& v_pose_sum) {
  GaussianValues<P> v_values = zero_gaussian_gradient<P>();
  PoseGradient<P> v_pose = zero_pose_gradient<P>();
  splat_backward(params.views[v].view, values, P(params.gaussians.lambda_opacity),
                 params.gaussians.low_pass_compensation, v_splat, v_values, v_pose);
  add_where<P>(drawn, v_values.position_mm, v_sum.position_mm);
  add_where<P>(drawn, v_values.direction_mean, v_sum.direction_mean);
  add_where<P>(drawn, v_values.opacity, v_sum.opacity);
  for (int k = 0; k < layout::kShCount; ++k) add_where<P>(drawn, v_values.sh[k], v_sum.sh[k]);
  for (int k = 0; k < layout::kCholCount; ++k) add_where<P>(drawn, v_values.chol[k], v_sum.chol[k]);
  add_where<P>(drawn, v_pose.position_mm, v_pose_sum.position_mm);
  add_where<P>(drawn, v_pose.right, v_pose_sum.right);
  add_where<P>(drawn, v_pose.down, v_pose_sum.down);
  add_where<P>(drawn, v_pose.forward, v_pose_sum.forward);
}

/// Adds columns to rows of a row-major [N, columns] matrix, one row a lane.
template <class P>
void add_to_rows(const P* values, int columns, const std::int64_t* rows, int lane_count,
                 typename P::Scalar* matrix) {
  alignas(64) typename P::Scalar lanes[P::kWidth];
  for (int column = 0; column < columns; ++column) {
    values[column].store(lanes);
    for (int lane = 0; lane < lane_count; ++lane) matrix[rows[lane] * columns + column] += lanes[lane];
  }
}

template <class P>
void chain_backward(const ChainParams<typename P::Scalar>& params, std::int64_t chunk) {
  using S = typename P::Scalar;
  constexpr int kMaxViews = 8;
  const GaussianPointers<S>& g = params.gaussians;
  const std::int64_t begin = chunk * kChunk;
  std::uint16_t rows[kMaxViews * kChunk];
  TouchedChunk touched;
  touched.find(params, chunk, rows);
  PoseGradient<P> v_poses[kMaxViews];
  for (int v = 0; v < params.view_count; ++v) v_poses[v] = zero_pose_gradient<P>();

  for (int first = 0; first < touched.count; first += P::kWidth) {
    const int lane_count = touched.count - first < P::kWidth ? touched.count - first : P::kWidth;
    RowLoader<P> loader(lane_count);
    std::int64_t gaussian[P::kWidth];
    for (int lane = 0; lane < P::kWidth; ++lane) {
      loader.row[lane] = touched.list[first + loader.row[lane]];
      gaussian[lane] = begin + loader.row[lane];
    }
    const int next = first + P::kWidth;
    for (int lane = 0; lane < P::kWidth && next + lane < touched.count; ++lane) {
      for (int v = 0; v < params.view_count; ++v) {
        const int row = rows[v * kChunk + touched.list[next + lane]];
        if (row == 0) continue;
        // Entries lie tile by tile, anywhere in memory.
        for_each_entry(params.views[v], params.views[v].records[begin + row - 1], chunk,
                       [](const SplatGradient<S>& gradient) { __builtin_prefetch(&gradient); });
      }
    }
    GaussianValues<P> values, v_sum = zero_gaussian_gradient<P>();
    loader.load_geometry(g, begin, values);
    loader.load_colour(g, begin, values);
    bool any_view = false;
    for (int v = 0; v < params.view_count; ++v) {
      alignas(64) S v_lanes[10][P::kWidth] = {};
      alignas(64) S flags[P::kWidth] = {};
      bool any = false;
      for (int lane = 0; lane < lane_count; ++lane) {
        const int row = rows[v * kChunk + loader.row[lane]];
        S sums[10];
        if (row == 0 ||
            !sum_entries(params.views[v], params.views[v].records[begin + row - 1], chunk, sums)) {
          continue;
        }
        for (int k = 0; k < 10; ++k) v_lanes[k][lane] = sums[k];
        flags[lane] = 1;
        any = true;
      }
      if (!any) continue;
      any_view = true;
      SplatGradient<P> v_splat;
      P* const fields = &v_splat.x;
      for (int k = 0; k < 10; ++k) fields[k] = P::load(v_lanes[k]);
      add_view(params, v, v_splat, P::load(flags) > P(S(0)), values, v_sum, v_poses[v]);
    }
    if (!any_view) continue;
    const GaussianGradientPointers<S>& out = params.v_gaussians;
    add_to_rows(&v_sum.position_mm.x, 3, gaussian, lane_count, out.position_mm);
    add_to_rows(v_sum.sh, layout::kShCount, gaussian, lane_count, out.sh);
    add_to_rows(&v_sum.opacity, 1, gaussian, lane_count, out.opacity);
    add_to_rows(&v_sum.direction_mean.x, 3, gaussian, lane_count, out.direction_mean);
    add_to_rows(v_sum.chol, layout::kCholCount, gaussian, lane_count, out.chol);
  }
  for (int v = 0; v < params.view_count; ++v) {
    const P* const from = &v_poses[v].position_mm.x;
    S* const to = &params.v_poses[v].position_mm.x;
    for (int k = 0; k < 12; ++k) to[k] = sum_lanes(from[k]);
  }
}

}  // namespace
}  // namespace renderfm::raster::cpu
