// The kernels for the least processor that this build targets: flags in CMakeLists.txt, body in
// kernels-inl.h.
#include "raster/cpu/kernels-inl.h"
#include "renderfm/math/simd/pack_baseline.h"

namespace renderfm::raster::cpu {

const Kernels kBaselineKernels{"baseline", &preprocess<simd::PackBaseline>, &blend_tile<simd::PackBaseline>,
                               &blend_tile_counting<simd::PackBaseline>};

}  // namespace renderfm::raster::cpu
