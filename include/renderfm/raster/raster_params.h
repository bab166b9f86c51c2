// The data that kernels read and write: raw pointers with their shapes, no Torch, no CUDA header.
#pragma once

#include <cstdint>

#include "renderfm/raster/project.h"
#include "renderfm/raster/tiles.h"

namespace renderfm::raster {

/// N 6D Gaussians, row-major float32.
struct GaussianPointers {
  const float* position_mm;     ///< [N, 3]
  const float* sh;              ///< [N, 12]
  const float* opacity;         ///< [N]
  const float* direction_mean;  ///< [N, 3]
  const float* chol;            ///< [N, 21]
  std::int64_t count;           ///< N
  float lambda_opacity;
  bool low_pass_compensation;
};

/// One drawable Gaussian in one view: a cache line.
struct alignas(64) SplatRecord {
  float x, y;                          ///< pixels
  float conic_xx, conic_xy, conic_yy;  ///< of Footprint
  float log2_alpha;
  float red, green, blue;
  float z;                                      ///< mm
  std::int32_t x_begin, y_begin, x_end, y_end;  ///< PixelBox, never empty
  std::int64_t index;                           ///< of the Gaussian
};
static_assert(sizeof(SplatRecord) == 64);

/// What a chunk of Gaussians yields, besides its records.
struct ChunkSummary {
  std::int64_t drawable = 0;
  std::int64_t not_finite = 0;  ///< dropped for a NaN or infinite parameter
  float z_min = 0, z_max = 0;   ///< of the drawable ones
};

struct PreprocessParams {
  GaussianPointers gaussians;
  View<float> view;
};

/// One view's image planes, [H, W] each, row-major.
struct ImagePointers {
  float* red;
  float* green;
  float* blue;
  float* alpha;
  float* depth;
  int width, height;
};

struct BlendTileParams {
  const SplatRecord* records;    ///< [drawable]
  const std::uint32_t* entries;  ///< [entry_count] rows of `records`, front to back
  std::int64_t entry_count;
  int tile_x, tile_y;  ///< in tiles
  ImagePointers image;
};

/// What the blend met, for benchmarks.
struct BlendCounts {
  std::int64_t processed = 0;     ///< entries looked at before the tile closed
  std::int64_t contributing = 0;  ///< (Gaussian, pixel) pairs added
};

}  // namespace renderfm::raster
