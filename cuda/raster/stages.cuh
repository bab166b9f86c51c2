// What the stages share among themselves and nobody else sees.
#pragma once

#include "renderfm/raster/cuda_params.h"
#include "renderfm/raster/splat.h"

namespace renderfm::raster::cuda {

inline constexpr int kDepthKeyBits = 24;                 ///< of raster/tiles.h's depth_key
inline constexpr std::uint32_t kNotDrawn = 0xffffffffu;  ///< in place of a depth

/// Integers that blocks of threads gather together; a sum, least or greatest of integers has no order.
enum Statistic : int {
  kZMin = 0,                          ///< [view], depth bits
  kZMax = kMaxBatchViews,             ///< [view]
  kDrawable = 2 * kMaxBatchViews,     ///< [view]
  kNotFinite = 3 * kMaxBatchViews,    ///< 1
  kEntries = 3 * kMaxBatchViews + 2,  ///< 64 bits
  kSlots = 3 * kMaxBatchViews + 4,    ///< 64 bits
  kStatistics = 3 * kMaxBatchViews + 6
};

/// Sums of one slot over a cell's pixels, of g = dL/dexponent / ln 2 with x, y from the cell's middle, and of
/// the weight times the image's gradient.
enum SlotSum : int { kG, kGx, kGy, kGxx, kGxy, kGyy, kWRed, kWGreen, kWBlue, kWDepth, kSlotSums };

/// Bits of a key that sort entries by view and tile. plan_batch sees that 32 hold them.
int list_sort_bits(const BatchShape& shape);

struct PreprocessKernelParams {
  GaussianPointers<float> gaussians;
  Splat* splats;              ///< [V N]
  CellRect* rects;            ///< [V N]
  std::uint32_t* depth_bits;  ///< [V N], kNotDrawn where it is not
  std::uint32_t* statistics;  ///< [kStatistics]
  View<float> views[kMaxBatchViews];
  int view_count;
};
void preprocess(const PreprocessKernelParams& params, Stream stream);

}  // namespace renderfm::raster::cuda
