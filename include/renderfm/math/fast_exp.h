// exp2, log2, exp and the sigmoid from our own polynomials: the same bits on every machine with a fused
// multiply-add, which libm and a GPU's special function units do not promise. Doubles go to libm: gradient
// tests want smoothness.
#pragma once

#include <cmath>

#include "renderfm/math/hd.h"
#include "renderfm/math/scalar_ops.h"

namespace renderfm {

inline constexpr double kLog2E = 1.4426950408889634074;
inline constexpr double kLn2 = 0.69314718055994530942;

namespace detail {

/// Degree-5 minimax of 2^f on [-1/2, 1/2], relative error 7.5e-8 before rounding; T is float or a pack of
/// floats. `Fused` picks fmadd (same bits everywhere) or mul_add (cheapest).
template <bool Fused, class T>
RFM_HD T exp2_polynomial(T x) {
  const T round_to_integer = T(12582912.0f);  // 1.5 * 2^23: the sum keeps the integer part in its low bits
  const T biased = x + round_to_integer;
  const T f = x - (biased - round_to_integer);
  const auto step = [&](T sum, float coefficient) {
    if constexpr (Fused) return fmadd(sum, f, T(coefficient));
    return mul_add(sum, f, T(coefficient));
  };
  T sum = T(0.0013276476576265864f);
  sum = step(sum, 0.009675542964087416f);
  sum = step(sum, 0.05550713275048417f);
  sum = step(sum, 0.24022119693878635f);
  sum = step(sum, 0.6931469670540669f);
  sum = step(sum, 1.0000000716606938f);
  return scale_by_power_of_two(sum, biased);
}

}  // namespace detail

/// 2^x for x in [-126, 126]; relative error at most 2.5e-7. Outside, and for NaN, any value but no trap.
template <class T>
RFM_HD T fast_exp2(T x) {
  return detail::exp2_polynomial<false>(x);
}
RFM_HD double fast_exp2(double x) { return ::exp2(x); }

/// The same to the bit on every machine.
template <class T>
RFM_HD T exact_exp2(T x) {
  return detail::exp2_polynomial<true>(x);
}
RFM_HD double exact_exp2(double x) { return ::exp2(x); }

/// log2 of a positive, normal x, the same to the bit on every machine; error at most 1.5e-7 of max(1, |log2
/// x|). Zero and denormals give about -127 instead of -inf; negative numbers and NaN any value.
template <class T>
RFM_HD T exact_log2(T x) {
  // x = m 2^e; log2 m = 2/ln2 (s + s^3/3 + s^5/5 + ...), s = (m - 1)/(m + 1), |s| <= 0.178, next term below
  // 1e-9.
  T mantissa = x, exponent = x;
  split_exponent(x, mantissa, exponent);
  const T s = (mantissa - T(1.0f)) / (mantissa + T(1.0f));
  const T s2 = s * s;
  T sum = T(0.32059889797532520f);
  sum = fmadd(sum, s2, T(0.41219858311113240f));
  sum = fmadd(sum, s2, T(0.57707801635558536f));
  sum = fmadd(sum, s2, T(0.96179669392597561f));
  sum = fmadd(sum, s2, T(2.8853900817779268f));
  return fmadd(sum, s, exponent);
}
RFM_HD double exact_log2(double x) { return ::log2(x); }

/// e^x for x in [-87, 87].
template <class T>
RFM_HD T exact_exp(T x) {
  return exact_exp2(x * T(static_cast<float>(kLog2E)));
}
RFM_HD double exact_exp(double x) { return ::exp(x); }

/// 1 / (1 + e^-x); beyond |x| = 87 its limit to within 1e-37.
template <class T>
RFM_HD T exact_sigmoid(T x) {
  const T bounded = minimum(maximum(x, T(-87.0f)), T(87.0f));
  return T(1.0f) / (T(1.0f) + exact_exp(-bounded));
}
RFM_HD double exact_sigmoid(double x) { return 1 / (1 + ::exp(-x)); }

}  // namespace renderfm
