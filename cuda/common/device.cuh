// Instructions that C++ has no word for, each behind a function with a plain body for the emulator. Include
// "common/launch.cuh".
#pragma once

#if defined(RENDERFM_CUDA_EMULATOR)
#include "renderfm/math/fast_exp.h"
#else
#include <cuda_runtime.h>
#endif

namespace renderfm::cuda {

inline constexpr unsigned kFullWarp = 0xffffffffu;
inline constexpr int kWarpSize = 32;

/// 2^x for x in [-126, 126] by the special function unit, relative error about 2^-22; the emulator takes the
/// polynomial of the CPU backends, so that their pictures can be compared closely. Not for keys or boxes.
__device__ __forceinline__ float fast_exp2_device(float x) {
#if defined(RENDERFM_CUDA_EMULATOR)
  return fast_exp2(x);
#else
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#endif
}

/// 1/x by the special function unit, at most 1 ulp off for |x| in [2^-126, 2^126]. Not for keys or boxes.
__device__ __forceinline__ float fast_reciprocal(float x) {
#if defined(RENDERFM_CUDA_EMULATOR)
  return 1.0f / x;
#else
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#endif
}

}  // namespace renderfm::cuda
