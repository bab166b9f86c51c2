#include "pathtrace/trace.h"

#include "renderfm/pathtrace/integrator.h"

namespace renderfm::pathtrace {
namespace {

template <class Field, class Pointers>
std::int64_t trace_tile_of(const Pointers& pointers, const TileWork& work) {
  const Field field(pointers);
  std::int64_t capped = 0;
  for (int y = work.y_begin; y < work.y_end; ++y) {
    for (int x = work.x_begin; x < work.x_end; ++x) {
      PixelSums<double>& pixel = work.pixels[static_cast<std::int64_t>(y) * work.rays->width + x];
      for (int s = 0; s < work.samples; ++s) {
        const std::int64_t sample = work.first_sample + s;
        const PathSample path =
            sample_pixel(field, *work.params, *work.rays, x, y, static_cast<std::uint64_t>(sample));
        if (path.alpha == 0) continue;  // it adds nothing
        pixel.add(path, sample % 2 == 0);
        capped += path.capped ? 1 : 0;
      }
    }
  }
  return capped;
}

}  // namespace

std::int64_t trace_tile(const MediumPointers& medium, const TileWork& work) {
  return trace_tile_of<SoftwareMediumField>(medium, work);
}
std::int64_t trace_tile(const DensityPointers& density, const TileWork& work) {
  return trace_tile_of<DensityField>(density, work);
}

}  // namespace renderfm::pathtrace
