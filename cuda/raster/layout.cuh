// How the kernels cut up images and lay out their records.
#pragma once

#include "common/launch.cuh"
#include "renderfm/raster/cuda_params.h"

namespace renderfm::raster::cuda {

/// A block of threads draws a cell; each of its four warps a block of 8x8 pixels, two a lane: (column, row)
/// and (column, row + 4).
inline constexpr int kCellSize = 16;
inline constexpr int kCellsPerTile = kTileSize / kCellSize;
inline constexpr int kBlendThreads = 128;
inline constexpr int kBlendWarps = 4;
inline constexpr int kBlockSize = 8;
inline constexpr int kRowStep = 4;

inline constexpr int kElementThreads = 256;  ///< of the kernels with a thread for each element

inline unsigned blocks_for(std::int64_t count, int threads) {
  return static_cast<unsigned>((count + threads - 1) / threads);
}

__device__ __forceinline__ std::int64_t element_index() {
  return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}

/// Where a thread of the blend kernels stands.
struct BlendPlace {
  int view, list;
  int cell_x, cell_y;    ///< in the image, in cells
  int block_x, block_y;  ///< the warp's 8x8 block: its first pixel
  int x, y;              ///< the lane's first pixel; the other is (x, y + kRowStep)
};

__device__ __forceinline__ BlendPlace blend_place(int tiles_across, int tiles) {
  constexpr int kCells = kCellsPerTile * kCellsPerTile;
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int cell = static_cast<int>(blockIdx.x) % kCells;
  BlendPlace p;
  p.list = static_cast<int>(blockIdx.x) / kCells;
  p.view = p.list / tiles;
  const int tile = p.list - p.view * tiles;
  const int tile_y = tile / tiles_across, tile_x = tile - tile_y * tiles_across;
  p.cell_x = tile_x * kCellsPerTile + cell % kCellsPerTile;
  p.cell_y = tile_y * kCellsPerTile + cell / kCellsPerTile;
  p.block_x = p.cell_x * kCellSize + warp % 2 * kBlockSize;
  p.block_y = p.cell_y * kCellSize + warp / 2 * kBlockSize;
  p.x = p.block_x + lane % kBlockSize;
  p.y = p.block_y + lane / kBlockSize;
  return p;
}

/// Of a mask that is not 0.
__device__ __forceinline__ std::uint32_t highest_bit(std::uint32_t mask) {
#if defined(RENDERFM_CUDA_EMULATOR)
  return 31u - static_cast<std::uint32_t>(__clz(static_cast<int>(mask)));
#else
  std::uint32_t bit;  // one instruction, where some compilers make three of __clz
  asm("bfind.u32 %0, %1;" : "=r"(bit) : "r"(mask));
  return bit;
#endif
}

/// The bits below `bit`: what is left of a mask whose highest bit has been dealt with.
__device__ __forceinline__ std::uint32_t without_bits_from(std::uint32_t mask, std::uint32_t bit) {
#if defined(RENDERFM_CUDA_EMULATOR)
  return mask & ((1u << bit) - 1u);
#else
  std::uint32_t below;  // one instruction, where the compiler makes two of the shift
  asm("bmsk.clamp.b32 %0, 0, %1;" : "=r"(below) : "r"(bit));
  return mask & below;
#endif
}

/// Whether a footprint's box meets the 8x8 block whose first pixel is (block_x, block_y): both lie half a
/// block of pixel centres apart at most.
__device__ __forceinline__ bool meets_block(float x, float y, float half_width, float half_height,
                                            float middle_x, float middle_y) {
  constexpr float kReach = 0.5f * (kBlockSize - 1);
  return fabsf(x - middle_x) <= half_width + kReach && fabsf(y - middle_y) <= half_height + kReach;
}

}  // namespace renderfm::raster::cuda
