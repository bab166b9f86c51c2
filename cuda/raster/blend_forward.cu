// Front to back over each tile's list. A block of threads draws one cell of 16x16 pixels, a warp 8x8 of them.
// The block stages 128 splats at a time; each warp tests 32 of them at once against its own pixels and walks
// only the hits. Everything in that walk is counted by scripts/cuda_static_report.sh.
#include "raster/fast_float.cuh"
#include "raster/layout.cuh"
#include "raster/stages.cuh"
#include "renderfm/raster/blend.h"

namespace renderfm::raster::cuda {
namespace {

using ::renderfm::cuda::kFullWarp;
using ::renderfm::cuda::Shared;

struct BlendForwardParams {
  const Splat* splats;         ///< [V N]
  const std::uint32_t* pairs;  ///< [entries]
  const std::uint32_t* first;  ///< [V T + 1]
  BatchImages images;
  PixelArrays pixels;
  int width, height, tiles_across, tiles;
};

struct Pixel {
  PixelLight<FastFloat> light;
  FastFloat red, green, blue, depth;
  std::uint32_t stop;  ///< entries that the pixel saw

  __device__ __forceinline__ bool is_closed() const { return light.cut.value >= kClosedCut; }

  /// `b` and `c` are the last two thirds of a Splat.
  template <bool kDepth>
  __device__ __forceinline__ void add(bool drawn, FastFloat exponent, const float4& b, const float4& c,
                                      std::uint32_t index) {
    bool closing;
    const FastFloat weight = blend_weight(light, drawn, exponent, closing);
    if (closing) stop = index;
    red = mul_add(weight, b.z, red);
    green = mul_add(weight, b.w, green);
    blue = mul_add(weight, c.x, blue);
    if (kDepth) depth = mul_add(weight, c.y, depth);
  }
};

// kDepth: whether the sum of w z is asked for.
template <bool kDepth>
__global__ void __launch_bounds__(kBlendThreads) blend_forward_kernel(BlendForwardParams p) {
  RFM_SHARED(float4, staged, 3 * kBlendThreads);
  const std::uint32_t lane = threadIdx.x % 32u;
  const BlendPlace place = blend_place(p.tiles_across, p.tiles);
  const std::uint32_t begin = p.first[place.list], count = p.first[place.list + 1] - begin;
  const float x = static_cast<float>(place.x) + 0.5f, y = static_cast<float>(place.y) + 0.5f;
  const float middle_x = static_cast<float>(place.block_x) + 0.5f * kBlockSize;
  const float middle_y = static_cast<float>(place.block_y) + 0.5f * kBlockSize;

  Pixel pixel[2];
#pragma unroll
  for (int k = 0; k < 2; ++k) {
    const bool inside = place.x < p.width && place.y + kRowStep * k < p.height;
    pixel[k] = {{1.0f, inside ? kLog2AlphaCut : kClosedCut}, 0.0f, 0.0f, 0.0f, 0.0f, count};
  }

  for (std::uint32_t base = 0; base < count; base += kBlendThreads) {
    const bool closed = pixel[0].is_closed() && pixel[1].is_closed();
    // Also keeps the last round's readers ahead of this round's writers.
    if (__syncthreads_and(closed) != 0) break;
    // Each run of 32 splats lies in reverse, so that the highest bit of a mask is the nearest splat, and
    // finding it is one instruction.
    const std::uint32_t mine = base + threadIdx.x;
    if (mine < count) {
      const float4* const splat = reinterpret_cast<const float4*>(p.splats + p.pairs[begin + mine]);
      const Shared<float4> own = staged + 3 * (threadIdx.x ^ 31u);
      own[0] = splat[0];
      own[1] = splat[1];
      own[2] = splat[2];
    }
    __syncthreads();
    if (__all_sync(kFullWarp, closed) != 0) continue;

    const std::uint32_t left = count - base, staged_count = left < kBlendThreads ? left : kBlendThreads;
    Shared<float4> splats = staged;
    for (std::uint32_t run = 0; run < staged_count; run += 32, splats = splats + 3 * 32) {
      bool hit = false;
      if (run + (lane ^ 31u) < staged_count) {
        const float4 head = splats[3 * lane], tail = splats[3 * lane + 2];
        hit = meets_block(head.x, head.y, tail.z, tail.w, middle_x, middle_y);
      }
      std::uint32_t hits = __ballot_sync(kFullWarp, hit);
      while (hits != 0) {
        const std::uint32_t bit = highest_bit(hits);
        hits = without_bits_from(hits, bit);
        const Shared<float4> splat = splats + 3 * static_cast<int>(bit);
        const float4 a = splat[0], b = splat[1];
        const LaneExponents exponents = lane_exponents(a, b, x, y);
        const bool drawn0 = exponents.first >= pixel[0].light.cut,
                   drawn1 = exponents.second >= pixel[1].light.cut;
        if (__any_sync(kFullWarp, drawn0 || drawn1) == 0) continue;

        const float4 c = splat[2];
        const std::uint32_t index = base + run + 31u - bit;
        pixel[0].add<kDepth>(drawn0, exponents.first, b, c, index);
        pixel[1].add<kDepth>(drawn1, exponents.second, b, c, index);
      }
    }
  }

#pragma unroll
  for (int k = 0; k < 2; ++k) {
    const int row = place.y + kRowStep * k;
    if (!(place.x < p.width && row < p.height)) continue;
    const std::int64_t plane = static_cast<std::int64_t>(p.width) * p.height;
    const std::int64_t in_plane = static_cast<std::int64_t>(row) * p.width + place.x;
    const std::int64_t at = place.view * plane + in_plane;
    float* const rgb = p.images.rgb + 3 * place.view * plane + in_plane;
    rgb[0] = pixel[k].red.value;
    rgb[plane] = pixel[k].green.value;
    rgb[2 * plane] = pixel[k].blue.value;
    const float transmittance = pixel[k].light.transmittance.value;
    p.images.alpha[at] = 1.0f - transmittance;
    if (kDepth) p.images.depth[at] = pixel[k].depth.value;
    if (p.pixels.stop != nullptr) {
      p.pixels.transmittance[at] = transmittance;
      p.pixels.stop[at] = pixel[k].stop;
    }
  }
}

}  // namespace

void blend_forward(const Batch& batch, const PairArrays& pairs, const EntryArrays& entries,
                   const BatchImages& images, const PixelArrays& pixels, Stream stream) {
  const BatchShape& shape = batch.shape;
  const BlendForwardParams params{pairs.splats,
                                  entries.pairs,
                                  entries.first,
                                  images,
                                  pixels,
                                  shape.width,
                                  shape.height,
                                  tiles_over(shape.width),
                                  static_cast<int>(shape.tiles())};
  const unsigned blocks = static_cast<unsigned>(shape.views * shape.tiles() * kCellsPerTile * kCellsPerTile);
  ::renderfm::cuda::launch(images.depth != nullptr ? RFM_KERNEL(blend_forward_kernel<true>)
                                                   : RFM_KERNEL(blend_forward_kernel<false>),
                           blocks, kBlendThreads, 0, stream, params);
}

}  // namespace renderfm::raster::cuda
