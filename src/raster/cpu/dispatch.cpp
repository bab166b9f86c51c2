#include "raster/cpu/kernels.h"
#include "renderfm/core/cpu.h"

namespace renderfm::raster::cpu {

template <>
const Kernels<float>& kernels<float>() {
  // Asked anew on every call, so that a test may force one level after another.
  switch (simd_level()) {
#ifdef RENDERFM_X86
    case SimdLevel::kAvx512: return kAvx512Kernels;
    case SimdLevel::kAvx2: return kAvx2Kernels;
#endif
    default: return kBaselineKernels;
  }
}

template <>
const Kernels<double>& kernels<double>() {
  return kDoubleKernels;
}

}  // namespace renderfm::raster::cpu
