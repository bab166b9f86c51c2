#include <cstdlib>
#include <string_view>

#include "raster/cpu/kernels.h"
#include "renderfm/core/check.h"

namespace renderfm::raster::cpu {
namespace {

bool runs(std::string_view level) {
  if (level == "baseline") return true;
#ifdef RENDERFM_X86
  if (level == "avx2") return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (level == "avx512") {
    return runs("avx2") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
  }
#endif
  return false;
}

const Kernels& named(std::string_view level) {
#ifdef RENDERFM_X86
  if (level == "avx512") return kAvx512Kernels;
  if (level == "avx2") return kAvx2Kernels;
#endif
  return kBaselineKernels;
}

}  // namespace

const Kernels& kernels() {
  // Read anew on every call, so that a test may force one level after another.
  const char* forced = std::getenv("RENDERFM_SIMD");
  if (forced == nullptr || *forced == '\0') {
    for (const char* level : {"avx512", "avx2"}) {
      if (runs(level)) return named(level);
    }
    return kBaselineKernels;
  }
  const std::string_view level = forced;
  if (level != "baseline" && level != "avx2" && level != "avx512") {
    fail_usage("RENDERFM_SIMD is \"{}\"; use baseline, avx2 or avx512", level);
  }
  if (!runs(level)) fail_usage("RENDERFM_SIMD asks for {}, which this processor does not have", level);
  return named(level);
}

}  // namespace renderfm::raster::cpu
