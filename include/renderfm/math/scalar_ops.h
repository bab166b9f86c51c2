// The operations that shared math asks of a scalar beyond + - * /: the same names for float, double and SIMD
// packs.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "renderfm/math/hd.h"

namespace renderfm {

/// a * b + c with one rounding, on every machine: for whatever decides an order or a cut.
RFM_HD float fmadd(float a, float b, float c) { return ::fmaf(a, b, c); }
RFM_HD double fmadd(double a, double b, double c) { return ::fma(a, b, c); }

/// a * b + c in the way that is cheapest on this machine.
RFM_HD float mul_add(float a, float b, float c) {
#if defined(__FMA__) || defined(__CUDA_ARCH__)
  return ::fmaf(a, b, c);
#else
  return a * b + c;
#endif
}
RFM_HD double mul_add(double a, double b, double c) { return a * b + c; }

template <class T>
RFM_HD T select(bool condition, T if_true, T if_false) {
  return condition ? if_true : if_false;
}
/// a where the condition holds, else 0.
template <class T>
RFM_HD T keep(bool condition, T a) {
  return condition ? a : T(0);
}
RFM_HD bool any(bool condition) { return condition; }
/// The second operand where either is NaN.
RFM_HD float minimum(float a, float b) { return a < b ? a : b; }
RFM_HD double minimum(double a, double b) { return a < b ? a : b; }
RFM_HD float maximum(float a, float b) { return a > b ? a : b; }
RFM_HD double maximum(double a, double b) { return a > b ? a : b; }
RFM_HD float square_root(float a) { return ::sqrtf(a); }
RFM_HD double square_root(double a) { return ::sqrt(a); }

RFM_HD float round_down(float a) { return ::floorf(a); }
RFM_HD double round_down(double a) { return ::floor(a); }

RFM_HD std::int32_t bits_of(float a) {
  std::int32_t bits;
  memcpy(&bits, &a, sizeof(bits));
  return bits;
}
RFM_HD float float_from_bits(std::int32_t bits) {
  float a;
  memcpy(&a, &bits, sizeof(a));
  return a;
}

/// value * 2^n, where `biased` = n + 1.5 * 2^23 holds n in its low bits: an integer add to the exponent.
RFM_HD float scale_by_power_of_two(float value, float biased) {
  return float_from_bits(static_cast<std::int32_t>(static_cast<std::uint32_t>(bits_of(value)) +
                                                   (static_cast<std::uint32_t>(bits_of(biased)) << 23)));
}

/// A positive, normal a as exponent and mantissa: a = mantissa * 2^exponent, mantissa in [0.70, 1.42).
RFM_HD void split_exponent(float a, float& mantissa, float& exponent) {
  const std::int32_t offset = bits_of(a) - 0x3f330000;  // 0x3f330000 = 0.69921875f
  mantissa = float_from_bits(0x3f330000 + (offset & 0x007fffff));
  exponent = static_cast<float>(offset >> 23);
}

}  // namespace renderfm
