// Tracing a tile of pixels on one thread.
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

/// Adds to the tile's pixels and returns how many paths were capped.
std::int64_t trace_tile(const MediumPointers& medium, const TileWork& work);
std::int64_t trace_tile(const DensityPointers& density, const TileWork& work);

}  // namespace renderfm::pathtrace
