// The two loops where the time goes, one version per instruction set, and the choice between them.
#pragma once

#include <cstdint>

#include "renderfm/raster/raster_params.h"

namespace renderfm::raster::cpu {

struct Kernels {
  const char* name;
  /// Slices, projects, culls and colours Gaussians [begin, end); writes the drawable ones to `records` in
  /// index order.
  ChunkSummary (*preprocess)(const PreprocessParams& params, std::int64_t begin, std::int64_t end,
                             SplatRecord* records);
  /// Blends one tile into the image.
  void (*blend_tile)(const BlendTileParams& params);
  /// The same, and counts what it meets.
  BlendCounts (*blend_tile_counting)(const BlendTileParams& params);
};

extern const Kernels kBaselineKernels;
#ifdef RENDERFM_X86
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
#endif

/// The best this processor runs, or the one that the environment variable RENDERFM_SIMD names (baseline,
/// avx2, avx512). Fails with kUsage where that name is unknown or the processor lacks it.
const Kernels& kernels();

}  // namespace renderfm::raster::cpu
