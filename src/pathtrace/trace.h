// Tracing a tile of pixels on one thread, once per instruction set.
#pragma once

#include <cstdint>

#include "renderfm/pathtrace/density_field.h"
#include "renderfm/pathtrace/pathtrace_params.h"

namespace renderfm::pathtrace {

struct TileWork {
  const TraceParams* params;
  const CameraRays* rays;
  int x_begin, x_end, y_begin, y_end;
  std::int64_t first_sample;
  int samples;
  PixelSums<double>* pixels;  ///< [height, width] of the whole picture
};

/// Each adds to the tile's pixels and returns how many paths were capped.
struct TraceFunctions {
  std::int64_t (*medium)(const MediumPointers&, const TileWork&);
  std::int64_t (*density)(const DensityPointers&, const TileWork&);
};

extern const TraceFunctions kTraceBaseline;
#ifdef RENDERFM_X86
extern const TraceFunctions kTraceAvx2;
#endif

}  // namespace renderfm::pathtrace
