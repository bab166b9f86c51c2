// The kernels for AVX2; flags in CMakeLists.txt, bodies in *-inl.h.
#include "raster/cpu/kernels-inl.h"
#include "renderfm/math/simd/pack_avx2.h"

namespace renderfm::raster::cpu {

const Kernels<float> kAvx2Kernels = kernels_of<simd::PackAvx2>("avx2");

}  // namespace renderfm::raster::cpu
