#include "renderfm/core/cpu.h"

#include <cstdlib>
#include <string>

#include "renderfm/core/check.h"

namespace renderfm {

SimdLevel detect_simd_level() {
#if defined(__x86_64__) || defined(__i386__)
  // The builtin also asks whether the operating system saves the wide registers.
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    return wide ? SimdLevel::kAvx512 : SimdLevel::kAvx2;
  }
#endif
  return SimdLevel::kBaseline;
}

SimdLevel simd_level() {
  const SimdLevel detected = detect_simd_level();
  const char* text = std::getenv("RENDERFM_SIMD");
  if (text == nullptr || *text == '\0') return detected;
  for (const SimdLevel level : {SimdLevel::kBaseline, SimdLevel::kAvx2, SimdLevel::kAvx512}) {
    if (simd_level_name(level) != text) continue;
    if (level > detected) {
      fail_usage("RENDERFM_SIMD asks for {}, but this machine has only {}", text, simd_level_name(detected));
    }
    return level;
  }
  fail_usage("RENDERFM_SIMD is '{}'; it may be baseline, avx2 or avx512", text);
}

std::string_view simd_level_name(SimdLevel level) {
  switch (level) {
    case SimdLevel::kAvx512: return "avx512";
    case SimdLevel::kAvx2: return "avx2";
    default: return "baseline";
  }
}

}  // namespace renderfm
