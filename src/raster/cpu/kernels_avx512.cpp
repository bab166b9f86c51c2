// The kernels for AVX-512; flags in CMakeLists.txt, bodies in *-inl.h.
#include "raster/cpu/kernels-inl.h"
#include "renderfm/math/simd/pack_avx512.h"

namespace renderfm::raster::cpu {

const Kernels<float> kAvx512Kernels = kernels_of<simd::PackAvx512>("avx512");

}  // namespace renderfm::raster::cpu
