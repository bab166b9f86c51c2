// The kernels for avx512: flags in CMakeLists.txt, body in kernels-inl.h.
#include "raster/cpu/kernels-inl.h"
#include "renderfm/math/simd/pack_avx512.h"

namespace renderfm::raster::cpu {

const Kernels kAvx512Kernels{"avx512", &preprocess<simd::PackAvx512>, &blend_tile<simd::PackAvx512>,
                             &blend_tile_counting<simd::PackAvx512>};

}  // namespace renderfm::raster::cpu
