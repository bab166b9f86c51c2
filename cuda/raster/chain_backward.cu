// From slots to parameters: one thread for each Gaussian sums its slots cell by cell and view by view, in one
// fixed order, and takes the sums through projection and slicing.
#include "raster/layout.cuh"
#include "raster/stages.cuh"
#include "renderfm/math/fast_exp.h"
#include "renderfm/raster/splat.h"

namespace renderfm::raster::cuda {
namespace {

using ::renderfm::cuda::kFullWarp;
using ::renderfm::cuda::launch;

constexpr int kThreads = 128;
constexpr int kPoseValues = 12;
static_assert(sizeof(PoseGradient<float>) == kPoseValues * sizeof(float), "summed as plain numbers");

struct ChainBackwardParams {
  GaussianPointers<float> gaussians;
  GaussianGradientPointers<float> v_gaussians;
  const Splat* splats;              ///< [V N]
  const CellRect* rects;            ///< [V N]
  const std::uint64_t* first_slot;  ///< [V N + 1]
  SlotArrays slots;
  float* pose_partials;  ///< [V, warps of the grid, kPoseValues]
  View<float> views[kMaxBatchViews];
  int view_count;
};

// False where no pixel saw the Gaussian in this view.
__device__ __forceinline__ bool sum_slots(const ChainBackwardParams& p, std::int64_t pair,
                                          SplatGradient<float>& v) {
  const CellRect rect = p.rects[pair];
  if (rect.x_begin >= rect.x_end) return false;
  const float4 head = *reinterpret_cast<const float4*>(p.splats[pair].value);
  const float conic_yy = p.splats[pair].value[4];
  std::int64_t slot = static_cast<std::int64_t>(p.first_slot[pair]);
  float g = 0, gx = 0, gy = 0, gxx = 0, gxy = 0, gyy = 0;  // x, y from the Gaussian's centre
  v.red = v.green = v.blue = v.z = 0;
  bool seen = false;
  for (int cell_y = rect.y_begin; cell_y < rect.y_end; ++cell_y) {
    for (int cell_x = rect.x_begin; cell_x < rect.x_end; ++cell_x, ++slot) {
      if (p.slots.written[slot] == 0) continue;
      seen = true;
      const float* const s = p.slots.sums + slot * kSlotSums;
      const float dx = (static_cast<float>(cell_x) + 0.5f) * kCellSize - head.x;
      const float dy = (static_cast<float>(cell_y) + 0.5f) * kCellSize - head.y;
      const float cell_gx = s[kGx], cell_gy = s[kGy];
      const float from_x = mul_add(dx, s[kG], cell_gx), from_y = mul_add(dy, s[kG], cell_gy);
      g += s[kG];
      gx += from_x;
      gy += from_y;
      gxx += mul_add(dx, cell_gx + from_x, s[kGxx]);
      gxy += mul_add(dx, from_y, mul_add(dy, cell_gx, s[kGxy]));
      gyy += mul_add(dy, cell_gy + from_y, s[kGyy]);
      v.red += s[kWRed];
      v.green += s[kWGreen];
      v.blue += s[kWBlue];
      v.z += s[kWDepth];
    }
  }
  const float ln2 = static_cast<float>(kLn2);
  v.log2_alpha = ln2 * g;
  v.conic_xx = ln2 * gxx;
  v.conic_xy = ln2 * gxy;
  v.conic_yy = ln2 * gyy;
  v.x = -ln2 * mul_add(2.0f * head.z, gx, head.w * gy);
  v.y = -ln2 * mul_add(2.0f * conic_yy, gy, head.w * gx);
  return seen;
}

template <int kCount>
__device__ __forceinline__ void load_row(const float* rows, std::int64_t row, float* values) {
#pragma unroll
  for (int k = 0; k < kCount; ++k) values[k] = rows[row * kCount + k];
}

template <int kCount>
__device__ __forceinline__ void add_row(float* rows, std::int64_t row, const float* values) {
#pragma unroll
  for (int k = 0; k < kCount; ++k) rows[row * kCount + k] += values[k];
}

// kPose: whether gradients of the cameras are asked for.
template <bool kPose>
__global__ void __launch_bounds__(kThreads) chain_backward_kernel(ChainBackwardParams p) {
  const std::int64_t index = element_index();
  const bool mine = index < p.gaussians.count;
  if (!kPose && !mine) return;  // with poses whole warps sum below
  const std::int64_t i = mine ? index : 0;
  GaussianValues<float> v_gaussian = zero_gaussian_gradient<float>();
  bool seen = false;
  for (int view = 0; view < p.view_count; ++view) {
    PoseGradient<float> v_pose{};
    SplatGradient<float> v_splat;
    if (mine && sum_slots(p, view * p.gaussians.count + i, v_splat)) {
      seen = true;
      GaussianValues<float> gaussian;  // read anew for each view: the caches hold it, the registers cannot
      load_row<3>(p.gaussians.position_mm, i, &gaussian.position_mm.x);
      load_row<layout::kShCount>(p.gaussians.sh, i, gaussian.sh);
      load_row<1>(p.gaussians.opacity, i, &gaussian.opacity);
      load_row<3>(p.gaussians.direction_mean, i, &gaussian.direction_mean.x);
      load_row<layout::kCholCount>(p.gaussians.chol, i, gaussian.chol);
      splat_backward(p.views[view], gaussian, p.gaussians.lambda_opacity, p.gaussians.low_pass_compensation,
                     v_splat, v_gaussian, v_pose);
    }
    if (kPose) {
      const float* const values = &v_pose.position_mm.x;
      const std::int64_t warps = static_cast<std::int64_t>(gridDim.x) * (kThreads / 32);
      float* const out = p.pose_partials + (view * warps + element_index() / 32) * kPoseValues;
#pragma unroll
      for (int k = 0; k < kPoseValues; ++k) {
        float sum = values[k];
#pragma unroll
        for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(kFullWarp, sum, step);
        if (threadIdx.x % 32 == 0) out[k] = sum;
      }
    }
  }
  if (!seen) return;
  add_row<3>(p.v_gaussians.position_mm, i, &v_gaussian.position_mm.x);
  add_row<layout::kShCount>(p.v_gaussians.sh, i, v_gaussian.sh);
  add_row<1>(p.v_gaussians.opacity, i, &v_gaussian.opacity);
  add_row<3>(p.v_gaussians.direction_mean, i, &v_gaussian.direction_mean.x);
  add_row<layout::kCholCount>(p.v_gaussians.chol, i, v_gaussian.chol);
}

struct PoseSumParams {
  const float* partials;  ///< [V, count, kPoseValues]
  std::int64_t count;
  float* v_poses;  ///< [V, kPoseValues], written
};

// A block for each number of each view: every thread a stride of the partial sums, then a tree.
__global__ void __launch_bounds__(kThreads) pose_sum_kernel(PoseSumParams p) {
  RFM_SHARED(float, sums, kThreads);
  const std::int64_t view = blockIdx.x / kPoseValues, value = blockIdx.x % kPoseValues;
  float sum = 0.0f;
  for (std::int64_t k = threadIdx.x; k < p.count; k += kThreads) {
    sum += p.partials[(view * p.count + k) * kPoseValues + value];
  }
  sums[threadIdx.x] = sum;
  for (unsigned half = kThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) {
      const float other = sums[threadIdx.x + half];
      sum += other;
      sums[threadIdx.x] = sum;
    }
  }
  if (threadIdx.x == 0) p.v_poses[blockIdx.x] = sum;
}

}  // namespace

std::int64_t pose_partials(const BatchShape& shape) {
  return shape.views * static_cast<std::int64_t>(blocks_for(shape.gaussians, kThreads)) * (kThreads / 32) *
         kPoseValues;
}

void chain_backward(const Batch& batch, const PairArrays& pairs, const SlotArrays& slots,
                    const GaussianGradientPointers<float>& v_gaussians, PoseGradient<float>* v_poses,
                    float* pose_partials, Stream stream) {
  const BatchShape& shape = batch.shape;
  if (shape.gaussians == 0) {
    if (v_poses != nullptr) {
      ::renderfm::cuda::memset_async(v_poses, 0, sizeof(*v_poses) * static_cast<std::size_t>(shape.views),
                                     stream);
    }
    return;
  }
  ChainBackwardParams params{batch.gaussians, v_gaussians,   pairs.splats, pairs.rects, pairs.first_slot,
                             slots,           pose_partials, {},           shape.views};
  for (int v = 0; v < shape.views; ++v) params.views[v] = batch.views[v];
  const unsigned blocks = blocks_for(shape.gaussians, kThreads);
  if (v_poses == nullptr) {
    launch(RFM_KERNEL(chain_backward_kernel<false>), blocks, kThreads, 0, stream, params);
    return;
  }
  launch(RFM_KERNEL(chain_backward_kernel<true>), blocks, kThreads, 0, stream, params);
  launch(RFM_KERNEL(pose_sum_kernel), static_cast<unsigned>(shape.views * kPoseValues), kThreads, 0, stream,
         PoseSumParams{pose_partials, static_cast<std::int64_t>(blocks) * (kThreads / 32),
                       &v_poses->position_mm.x});
}

}  // namespace renderfm::raster::cuda
