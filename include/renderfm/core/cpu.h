// Which vector instructions this machine has. Code for one level sits in its own translation unit and is
// called only after this was asked.
#pragma once

#include <string_view>

namespace renderfm {

enum class SimdLevel { kBaseline = 0, kAvx2 = 1, kAvx512 = 2 };

/// kAvx2 means AVX2 and FMA, kAvx512 means F, BW, DQ and VL besides.
SimdLevel detect_simd_level();

/// The level to use: the detected one, or what RENDERFM_SIMD=baseline|avx2|avx512 asks for. Throws kUsage
/// where the variable says something else, or more than the machine has.
SimdLevel simd_level();

std::string_view simd_level_name(SimdLevel level);

}  // namespace renderfm
