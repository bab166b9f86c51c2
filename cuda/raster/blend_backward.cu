// Back to front over each tile's list, with the mapping of blend_forward.cu: a block of threads undoes one
// cell of 16x16 pixels, a warp 8x8 of them, a lane two. A lane's two pairs of a splat and a pixel leave six
// sums in shared memory; for four splats at a time eight lanes each turn those into the ten sums of SlotSum.
// The warps of a block are added in one order and written once to the slot of (Gaussian, view, cell): no
// atomics, and one result whatever the order of threads.
#include "raster/cell_sums.cuh"
#include "raster/fast_float.cuh"
#include "raster/layout.cuh"
#include "raster/stages.cuh"
#include "renderfm/raster/blend.h"

namespace renderfm::raster::cuda {
namespace {

constexpr int kBlocksAtOnce = 7;       ///< on a multiprocessor: holds the compiler to 72 registers
constexpr std::uint32_t kStaged = 64;  ///< list entries looked at together
constexpr int kBatch = 32;             ///< of those that meet the cell, summed together
/// float4 of a staged entry: a Splat with list index and slot for its extents; the extents.
constexpr int kStagedRow = 4;

struct BlendBackwardParams {
  const Splat* splats;              ///< [V N]
  const CellRect* rects;            ///< [V N]
  const std::uint64_t* first_slot;  ///< [V N + 1]
  const std::uint32_t* pairs;       ///< [entries]
  const std::uint32_t* first;       ///< [V T + 1]
  BatchImageGradients v_images;
  PixelArrays pixels;
  SlotArrays slots;
  int width, height, tiles_across, tiles;
};

constexpr float kNoExponent = -1e30f;  ///< two to that is 0

struct Pixel {
  PixelSuffix<FastFloat> suffix;
  FastFloat v_red, v_green, v_blue, v_depth;
  std::uint32_t stop;

  template <bool kDepth>
  __device__ __forceinline__ void load(const BlendBackwardParams& p, int view, int x, int y) {
    suffix.transmittance = 1.0f;
    suffix.behind = v_red = v_green = v_blue = v_depth = 0.0f;
    stop = 0;
    if (!(x < p.width && y < p.height)) return;
    const std::int64_t plane = static_cast<std::int64_t>(p.width) * p.height;
    const std::int64_t in_plane = static_cast<std::int64_t>(y) * p.width + x, at = view * plane + in_plane;
    const float* const v_rgb = p.v_images.rgb + 3 * view * plane + in_plane;
    const float left = p.pixels.transmittance[at];
    suffix.transmittance = left;
    if (p.v_images.alpha != nullptr) suffix.behind = -p.v_images.alpha[at] * left;
    v_red = v_rgb[0];
    v_green = v_rgb[plane];
    v_blue = v_rgb[2 * plane];
    if (kDepth) v_depth = p.v_images.depth[at];
    stop = p.pixels.stop[at];
  }

  /// `b` and `c` are the last two thirds of a Splat.
  template <bool kDepth>
  __device__ __forceinline__ PairGradient<FastFloat> undo(bool drawn, FastFloat exponent, const float4& b,
                                                          const float4& c) {
    FastFloat v_weight = mul_add(v_red, b.z, mul_add(v_green, b.w, v_blue * FastFloat(c.x)));
    if (kDepth) v_weight = mul_add(v_depth, c.y, v_weight);
    // Where not drawn alpha is 0 and 1/(1 - alpha) exactly 1, and everything else follows: cheaper than to
    // choose among the results.
    const FastFloat seen = drawn ? exponent : FastFloat(kNoExponent);
    return ::renderfm::raster::blend_backward(suffix, true, seen, v_weight);
  }
};

__device__ __forceinline__ float as_float(std::uint32_t index) {
  return float_from_bits(static_cast<std::int32_t>(index));
}
__device__ __forceinline__ std::uint32_t as_index(float bits) {
  return static_cast<std::uint32_t>(bits_of(bits));
}

__device__ __forceinline__ std::uint32_t warp_greatest(std::uint32_t value) {
#pragma unroll
  for (int step = 16; step > 0; step /= 2) {
    const std::uint32_t other = __shfl_xor_sync(kFullWarp, value, step);
    value = other > value ? other : value;
  }
  return value;
}

// kDepth: whether a gradient comes from the depth image.
template <bool kDepth>
__global__ void __launch_bounds__(kBlendThreads, kBlocksAtOnce) blend_backward_kernel(BlendBackwardParams p) {
  RFM_SHARED(float4, staged, kStagedRow * kStaged);
  RFM_SHARED(std::uint32_t, warp_number, kBlendWarps);
  RFM_SHARED(float4, lane_sums4, kBlendWarps * kLaneSums4);
  RFM_SHARED(float2, lane_sums2, kBlendWarps * kLaneSums2);
  RFM_SHARED(float, warp_sums, (kBlendWarps * kBatch * kOutRow));

  const std::uint32_t lane = threadIdx.x % 32u, warp = threadIdx.x / 32u;
  const BlendPlace place = blend_place(p.tiles_across, p.tiles);
  const std::uint32_t begin = p.first[place.list];
  const float x = static_cast<float>(place.x) + 0.5f, y = static_cast<float>(place.y) + 0.5f;
  const float middle_x = static_cast<float>(place.block_x) + 0.5f * kBlockSize;
  const float middle_y = static_cast<float>(place.block_y) + 0.5f * kBlockSize;

  Pixel pixel[2];
  pixel[0].load<kDepth>(p, place.view, place.x, place.y);
  pixel[1].load<kDepth>(p, place.view, place.x, place.y + kRowStep);
  const std::uint32_t warp_stop =
      warp_greatest(pixel[0].stop > pixel[1].stop ? pixel[0].stop : pixel[1].stop);
  if (lane == 0) warp_number[warp] = warp_stop;
  __syncthreads();
  std::uint32_t end = 0;
#pragma unroll
  for (int w = 0; w < kBlendWarps; ++w) {
    const std::uint32_t stop = warp_number[w];
    end = stop > end ? stop : end;
  }

  CellSums sums(lane_sums4 + static_cast<int>(warp) * kLaneSums4,
                lane_sums2 + static_cast<int>(warp) * kLaneSums2,
                warp_sums + static_cast<int>(warp) * kBatch * kOutRow, lane,
                static_cast<float>(place.block_x - place.cell_x * kCellSize) - 0.5f * (kCellSize - 1),
                static_cast<float>(place.block_y - place.cell_y * kCellSize) - 0.5f * (kCellSize - 1));

  static_assert(kBlendWarps * kBatch == kBlendThreads, "each thread clears the round of one row");
  warp_sums[static_cast<int>(threadIdx.x) * kOutRow + kSlotSums] = 0.0f;
  float round = 0.0f;

  while (end > 0) {
    const std::uint32_t from = end > kStaged ? end - kStaged : 0;
    // Keep the entries that meet the cell, in their order.
    const std::uint32_t mine = from + threadIdx.x;
    bool meets = false;
    std::uint32_t pair = 0;
    CellRect rect{0, 0, 0, 0};
    if (threadIdx.x < kStaged && mine < end) {
      pair = p.pairs[begin + mine];
      rect = p.rects[pair];
      meets = place.cell_x >= rect.x_begin && place.cell_x < rect.x_end && place.cell_y >= rect.y_begin &&
              place.cell_y < rect.y_end;
    }
    const std::uint32_t meeting = __ballot_sync(kFullWarp, meets);
    __syncthreads();  // the last round's readers are done
    if (lane == 0) warp_number[warp] = static_cast<std::uint32_t>(__popc(meeting));
    __syncthreads();
    std::uint32_t kept = 0, at = static_cast<std::uint32_t>(__popc(meeting & ((1u << lane) - 1u)));
#pragma unroll
    for (std::uint32_t w = 0; w < kBlendWarps; ++w) {
      const std::uint32_t number = warp_number[w];
      kept += number;
      at += w < warp ? number : 0;
    }
    if (meets) {
      const float4* const splat = reinterpret_cast<const float4*>(p.splats + pair);
      const Shared<float4> own = staged + kStagedRow * static_cast<int>(at);
      const float4 tail = splat[2];
      const int across = rect.x_end - rect.x_begin;
      const std::uint32_t slot =
          static_cast<std::uint32_t>(p.first_slot[pair]) +
          static_cast<std::uint32_t>((place.cell_y - rect.y_begin) * across + (place.cell_x - rect.x_begin));
      own[0] = splat[0];
      own[1] = splat[1];
      own[2] = float4{tail.x, tail.y, as_float(mine), as_float(slot)};
      own[3] = float4{tail.z, tail.w, 0.0f, 0.0f};
    }
    __syncthreads();

    // Deepest first. The rows move with the loop: that saves an addition for each splat.
    int first = (static_cast<int>(kept) - 1) / kBatch * kBatch;
    for (Shared<float4> rows = staged + kStagedRow * first; first >= 0 && kept > 0;
         first -= kBatch, rows = rows + -kStagedRow * kBatch) {
      bool hit = false;
      if (first + static_cast<int>(lane) < static_cast<int>(kept)) {
        const Shared<float4> own = rows + kStagedRow * static_cast<int>(lane);
        const float4 head = own[0], tail = own[2], extent = own[3];
        hit = as_index(tail.z) < warp_stop &&
              meets_block(head.x, head.y, extent.x, extent.y, middle_x, middle_y);
      }
      std::uint32_t hits = __ballot_sync(kFullWarp, hit);
      round += 1.0f;
      sums.start_round(round);
      while (hits != 0) {
        const std::uint32_t bit = highest_bit(hits);
        hits = without_bits_from(hits, bit);
        const Shared<float4> row = rows + kStagedRow * static_cast<int>(bit);
        const float4 a = row[0], b = row[1], c = row[2];
        const std::uint32_t index = as_index(c.z);
        const LaneExponents exponents = lane_exponents(a, b, x, y);
        const bool drawn0 = exponents.first >= FastFloat(kLog2AlphaCut) && index < pixel[0].stop;
        const bool drawn1 = exponents.second >= FastFloat(kLog2AlphaCut) && index < pixel[1].stop;
        if (__any_sync(kFullWarp, drawn0 || drawn1) == 0) continue;

        const PairGradient<FastFloat> v0 = pixel[0].undo<kDepth>(drawn0, exponents.first, b, c);
        const PairGradient<FastFloat> v1 = pixel[1].undo<kDepth>(drawn1, exponents.second, b, c);
        const auto both = [&](FastFloat v_first, FastFloat v_second) {
          return mul_add(v0.weight, v_first, v1.weight * v_second).value;
        };
        sums.put(bit,
                 float4{(v0.exponent + v1.exponent).value, v1.exponent.value,
                        both(pixel[0].v_red, pixel[1].v_red), both(pixel[0].v_green, pixel[1].v_green)},
                 float2{both(pixel[0].v_blue, pixel[1].v_blue),
                        kDepth ? both(pixel[0].v_depth, pixel[1].v_depth) : 0.0f});
      }
      sums.finish();
      __syncthreads();

      // Warps in order; one that drew nothing of a splat did not write its row.
      for (int k = static_cast<int>(threadIdx.x); k < kBatch * kSlotSums; k += kBlendThreads) {
        const int entry = k / kSlotSums, sum = k % kSlotSums;
        float total = 0.0f;
        bool drawn = false;
#pragma unroll
        for (int w = 0; w < kBlendWarps; ++w) {
          const Shared<float> row = warp_sums + (w * kBatch + entry) * kOutRow;
          const float row_round = row[kSlotSums];
          if (row_round == round) {
            total += row[sum];
            drawn = true;
          }
        }
        if (!drawn) continue;
        const float4 tail = staged[kStagedRow * (first + entry) + 2];
        const std::uint32_t slot = as_index(tail.w);
        p.slots.sums[static_cast<std::int64_t>(slot) * kSlotSums + sum] = total;
        if (sum == 0) p.slots.written[slot] = 1;
      }
      __syncthreads();
    }
    end = from;
  }
}

}  // namespace

void blend_backward(const Batch& batch, const PairArrays& pairs, const EntryArrays& entries,
                    const BatchTotals& totals, const BatchImageGradients& v_images, const PixelArrays& pixels,
                    const SlotArrays& slots, Stream stream) {
  if (totals.slots == 0) return;
  ::renderfm::cuda::memset_async(slots.written, 0, static_cast<std::size_t>(totals.slots), stream);
  const BatchShape& shape = batch.shape;
  const BlendBackwardParams params{pairs.splats,
                                   pairs.rects,
                                   pairs.first_slot,
                                   entries.pairs,
                                   entries.first,
                                   v_images,
                                   pixels,
                                   slots,
                                   shape.width,
                                   shape.height,
                                   tiles_over(shape.width),
                                   static_cast<int>(shape.tiles())};
  const unsigned blocks = static_cast<unsigned>(shape.views * shape.tiles() * kCellsPerTile * kCellsPerTile);
  ::renderfm::cuda::launch(v_images.depth != nullptr ? RFM_KERNEL(blend_backward_kernel<true>)
                                                     : RFM_KERNEL(blend_backward_kernel<false>),
                           blocks, kBlendThreads, 0, stream, params);
}

}  // namespace renderfm::raster::cuda
