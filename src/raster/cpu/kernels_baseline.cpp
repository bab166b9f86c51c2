// The kernels for the least processor that this build targets; flags in CMakeLists.txt, bodies in *-inl.h.
#include "raster/cpu/kernels-inl.h"
#include "renderfm/math/simd/pack_baseline.h"

namespace renderfm::raster::cpu {

const Kernels<float> kBaselineKernels = kernels_of<simd::PackBaseline>("baseline");

}  // namespace renderfm::raster::cpu
