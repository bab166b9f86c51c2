// Slice, project and colour: one thread for each Gaussian, the views in a loop, so that its parameters are
// read once for a batch. Boxes and depths come out bit-equal to the CPU backend's (RASTERIZER rule: no fast
// math on the way to a key), which needs this file compiled without contraction of multiply-adds.
#include "raster/layout.cuh"
#include "raster/stages.cuh"
#include "renderfm/gaussian/layout.h"
#include "renderfm/raster/splat.h"

namespace renderfm::raster::cuda {
namespace {

using ::renderfm::cuda::kFullWarp;

constexpr int kThreads = 128;

template <int kCount>
__device__ __forceinline__ void load_row(const float* rows, std::int64_t row, float* values,
                                         float& not_finite) {
#pragma unroll
  for (int k = 0; k < kCount; ++k) {
    values[k] = rows[row * kCount + k];
    not_finite = not_finite + values[k] * 0.0f;  // NaN where any is NaN or infinite
  }
}

__device__ __forceinline__ CellRect cell_rect(const PixelBox<float>& box) {
  const auto down = [](float pixel) {
    return static_cast<std::uint16_t>(static_cast<std::int32_t>(pixel) / kCellSize);
  };
  const auto up = [](float pixel) {
    return static_cast<std::uint16_t>((static_cast<std::int32_t>(pixel) + kCellSize - 1) / kCellSize);
  };
  return {down(box.x_begin), down(box.y_begin), up(box.x_end), up(box.y_end)};
}

__device__ __forceinline__ std::uint32_t warp_least(std::uint32_t value) {
#pragma unroll
  for (int step = 16; step > 0; step /= 2) {
    const std::uint32_t other = __shfl_xor_sync(kFullWarp, value, step);
    value = other < value ? other : value;
  }
  return value;
}

// Depth bits go where the keys will be: z > 0, so that its bits order like an unsigned number.
__global__ void __launch_bounds__(kThreads) preprocess_kernel(PreprocessKernelParams p) {
  RFM_SHARED(std::uint32_t, z_min, kMaxBatchViews);
  RFM_SHARED(std::uint32_t, z_max, kMaxBatchViews);
  RFM_SHARED(std::uint32_t, drawable, kMaxBatchViews);
  RFM_SHARED(std::uint32_t, not_finite_count, 1);
  if (threadIdx.x < kMaxBatchViews) {
    z_min[threadIdx.x] = 0xffffffffu;
    z_max[threadIdx.x] = 0;
    drawable[threadIdx.x] = 0;
  }
  if (threadIdx.x == 0) not_finite_count[0] = 0;
  __syncthreads();

  const GaussianPointers<float>& g = p.gaussians;
  const std::int64_t index = element_index();
  const bool mine = index < g.count;
  const std::int64_t i = mine ? index : g.count - 1;  // whole warps vote below
  float position[3], direction_mean[3], opacity, chol[layout::kCholCount], not_finite = 0.0f;
  load_row<3>(g.position_mm, i, position, not_finite);
  load_row<3>(g.direction_mean, i, direction_mean, not_finite);
  load_row<1>(g.opacity, i, &opacity, not_finite);
  load_row<layout::kCholCount>(g.chol, i, chol, not_finite);
  {
    float sh[layout::kShCount];
    load_row<layout::kShCount>(g.sh, i, sh, not_finite);
  }
  const bool finite = not_finite <= 0.0f;
  if (mine && !finite) atomicAdd(&not_finite_count[0], 1u);

  for (int v = 0; v < p.view_count; ++v) {
    const View<float>& view = p.views[v];
    const Slice<float> slice =
        slice6d(offset_from_camera(view, Vec3f{position[0], position[1], position[2]}),
                Vec3f{direction_mean[0], direction_mean[1], direction_mean[2]}, chol, g.lambda_opacity);
    float kept = opacity;
    if (g.clip.count > 0) {
      const float share = clip_share(g.clip, view.position_mm, slice.mean_offset, chol);
      kept = opacity * maximum(share, g.clip.exempt != nullptr ? g.clip.exempt[i] : 0.0f);
    }
    const Footprint<float> f =
        project(view, slice.mean_offset, chol, kept, slice.log2_falloff, g.low_pass_compensation);
    const PixelBox<float> box = pixel_box(f.x, f.y, f.half_width, f.half_height, view.width, view.height);
    const bool drawn =
        mine && finite && is_drawable(view, f) && box.x_begin < box.x_end && box.y_begin < box.y_end;
    const std::uint32_t bits = static_cast<std::uint32_t>(bits_of(f.z));
    const std::int64_t pair = v * g.count + i;
    if (drawn) {
      // Read again, where the other parameters stay: few views draw it, and registers are dear.
      const float* const sh = g.sh + layout::kShCount * i;
      float4* const splat = reinterpret_cast<float4*>(p.splats + pair);
      splat[0] = float4{f.x, f.y, f.conic_xx, f.conic_xy};
      splat[1] = float4{f.conic_yy, f.log2_alpha, splat_colour(sh, 0, slice.direction),
                        splat_colour(sh, 1, slice.direction)};
      splat[2] = float4{splat_colour(sh, 2, slice.direction), f.z, f.half_width, f.half_height};
    }
    if (mine) {
      p.rects[pair] = drawn ? cell_rect(box) : CellRect{0, 0, 0, 0};
      p.depth_bits[pair] = drawn ? bits : kNotDrawn;
    }
    const std::uint32_t drawn_lanes = __ballot_sync(kFullWarp, drawn);
    if (drawn_lanes != 0) {
      const std::uint32_t least = warp_least(drawn ? bits : 0xffffffffu);
      const std::uint32_t greatest = ~warp_least(drawn ? ~bits : 0xffffffffu);
      if (threadIdx.x % 32 == 0) {
        atomicMin(&z_min[v], least);
        atomicMax(&z_max[v], greatest);
        atomicAdd(&drawable[v], static_cast<std::uint32_t>(__popc(drawn_lanes)));
      }
    }
  }
  __syncthreads();
  if (static_cast<int>(threadIdx.x) < p.view_count) {
    const int v = static_cast<int>(threadIdx.x);
    const std::uint32_t count = drawable[v];
    if (count != 0) {
      const std::uint32_t least = z_min[v], greatest = z_max[v];
      atomicMin(&p.statistics[kZMin + v], least);
      atomicMax(&p.statistics[kZMax + v], greatest);
      atomicAdd(&p.statistics[kDrawable + v], count);
    }
  }
  if (threadIdx.x == 0) {
    const std::uint32_t count = not_finite_count[0];
    if (count != 0) atomicAdd(&p.statistics[kNotFinite], count);
  }
}

}  // namespace

void preprocess(const PreprocessKernelParams& params, Stream stream) {
  ::renderfm::cuda::launch(RFM_KERNEL(preprocess_kernel), blocks_for(params.gaussians.count, kThreads),
                           kThreads, 0, stream, params);
}

}  // namespace renderfm::raster::cuda
