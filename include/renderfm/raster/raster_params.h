// The data that the rasterizer's kernels read and write: raw pointers with their shapes, no Torch, no CUDA
// header. S is float, or double where gradients are checked.
#pragma once

#include <cstdint>

#include "renderfm/raster/clip.h"
#include "renderfm/raster/project.h"
#include "renderfm/raster/tiles.h"

namespace renderfm::raster {

/// N 6D Gaussians, row-major.
template <class S>
struct GaussianPointers {
  const S* position_mm;     ///< [N, 3]
  const S* sh;              ///< [N, 12]
  const S* opacity;         ///< [N]
  const S* direction_mean;  ///< [N, 3]
  const S* chol;            ///< [N, 21]
  std::int64_t count;       ///< N
  S lambda_opacity;
  bool low_pass_compensation;
  ClipPlanes<S> clip{};  ///< not for drawings with gradients
};

/// dL/d of each parameter, shaped as in GaussianPointers. Kernels add; the caller zeroes.
template <class S>
struct GaussianGradientPointers {
  S* position_mm;
  S* sh;
  S* opacity;
  S* direction_mean;
  S* chol;
};

/// One view's image planes, [H, W] each, row-major.
template <class S>
struct ImagePointers {
  S* red;
  S* green;
  S* blue;
  S* alpha;
  S* depth;
  int width, height;
};

/// dL/d of one view's image planes. `alpha` or `depth` may be null: no gradient comes from there.
template <class S>
struct ImageGradientPointers {
  const S* red;
  const S* green;
  const S* blue;
  const S* alpha;
  const S* depth;
  int width, height;
};

}  // namespace renderfm::raster
