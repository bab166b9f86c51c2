// The kernels for avx2: flags in CMakeLists.txt, body in kernels-inl.h.
#include "raster/cpu/kernels-inl.h"
#include "renderfm/math/simd/pack_avx2.h"

namespace renderfm::raster::cpu {

const Kernels kAvx2Kernels{"avx2", &preprocess<simd::PackAvx2>, &blend_tile<simd::PackAvx2>,
                           &blend_tile_counting<simd::PackAvx2>};

}  // namespace renderfm::raster::cpu
