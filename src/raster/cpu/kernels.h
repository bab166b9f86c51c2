// The loops where the time goes, one version per instruction set, and the choice between them.
#pragma once

#include <cstdint>

#include "renderfm/raster/raster_params.h"
#include "renderfm/raster/splat.h"

namespace renderfm::raster::cpu {

/// Gaussians of one task: a multiple of every pack width. Each chunk writes its records to a place of its
/// own.
inline constexpr std::int64_t kChunk = 4096;

/// One drawable Gaussian in one view; as float, a cache line.
template <class S>
struct alignas(64) SplatRecord {
  S x, y;                          ///< pixels
  S conic_xx, conic_xy, conic_yy;  ///< of Footprint
  S log2_alpha;
  S red, green, blue;
  S z;                                          ///< mm
  std::int32_t x_begin, y_begin, x_end, y_end;  ///< PixelBox, never empty
  std::uint32_t index;                          ///< of the Gaussian
  std::uint32_t first_slot;                     ///< of its (Gaussian, tile) pairs, from those of its chunk
};
static_assert(sizeof(SplatRecord<float>) == 64);

/// What a chunk of Gaussians yields in one view, besides its records.
template <class S>
struct ChunkSummary {
  std::int64_t drawable = 0;
  std::int64_t entries = 0;          ///< (Gaussian, tile) pairs
  std::int64_t not_finite = 0;       ///< dropped for a NaN or infinite parameter
  S z_min = S(kFarZ), z_max = S(0);  ///< of the drawable ones
};

template <class S>
struct PreprocessParams {
  GaussianPointers<S> gaussians;
  const View<S>* views;            ///< [view_count]
  SplatRecord<S>* const* records;  ///< [view_count], each [N]
  int view_count;
};

template <class S>
struct BlendTileParams {
  const SplatRecord<S>* records;
  const std::uint32_t* entries;  ///< [entry_count] rows of `records`, front to back
  std::int64_t entry_count;
  int tile_x, tile_y;  ///< in tiles
  ImagePointers<S> image;
  S* transmittance;     ///< [H, W] what the whole list leaves, or null
  std::uint32_t* stop;  ///< [H, W] entries of the tile's list that the pixel saw, or null
};

/// What the blend met.
struct BlendCounts {
  std::int64_t processed = 0;     ///< entries looked at before the tile closed
  std::int64_t contributing = 0;  ///< (Gaussian, pixel) pairs added; only where they are counted
};

template <class S>
struct BlendTileBackwardParams {
  const SplatRecord<S>* records;
  const std::uint32_t* entries;
  std::int64_t processed;  ///< of the forward pass
  int tile_x, tile_y;
  ImageGradientPointers<S> v_image;
  const S* transmittance;
  const std::uint32_t* stop;
  SplatGradient<S>* v_entries;           ///< [processed], this tile's; written where links say so
  std::uint32_t first_link;              ///< link of v_entries[0]
  std::uint32_t* links;                  ///< by slot: 0, or 1 + the place of the pair's gradient
  const std::int64_t* chunk_first_slot;  ///< by chunk of rows
};

/// One view of a backward batch, as the chain needs it.
template <class S>
struct ChainView {
  View<S> view;
  const SplatRecord<S>* records;
  const ChunkSummary<S>* chunks;
  const std::int64_t* chunk_first_slot;
  const std::uint32_t* links;
  const SplatGradient<S>* v_entries;
};

template <class S>
struct ChainParams {
  GaussianPointers<S> gaussians;
  const ChainView<S>* views;
  int view_count;
  GaussianGradientPointers<S> v_gaussians;
  PoseGradient<S>* v_poses;  ///< [view_count], written: this chunk's sums
};

template <class S>
struct Kernels {
  const char* name;
  /// Slices, projects, culls and colours Gaussians [begin, end) of one chunk for every view; writes the
  /// drawable ones to records[view] + begin in index order, and summaries[view].
  void (*preprocess)(const PreprocessParams<S>& params, std::int64_t begin, std::int64_t end,
                     ChunkSummary<S>* summaries);
  /// Blends one tile into the image.
  BlendCounts (*blend_tile)(const BlendTileParams<S>& params);
  /// The same, and counts the pairs.
  BlendCounts (*blend_tile_counting)(const BlendTileParams<S>& params);
  /// Undoes one tile: the gradient of every entry that the tile drew.
  void (*blend_tile_backward)(const BlendTileBackwardParams<S>& params);
  /// Sums the entries of each Gaussian of a chunk, tile by tile and view by view, and carries the sums to its
  /// parameters.
  void (*chain_backward)(const ChainParams<S>& params, std::int64_t chunk);
};

extern const Kernels<float> kBaselineKernels;
extern const Kernels<double> kDoubleKernels;
#ifdef RENDERFM_X86
extern const Kernels<float> kAvx2Kernels;
extern const Kernels<float> kAvx512Kernels;
#endif

/// The best this processor runs, or the one that the environment variable RENDERFM_SIMD names (baseline,
/// avx2, avx512). Fails with kUsage where that name is unknown or the processor lacks it. Double has one
/// version.
template <class S>
const Kernels<S>& kernels();

}  // namespace renderfm::raster::cpu
