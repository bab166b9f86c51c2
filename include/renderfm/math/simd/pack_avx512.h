// Sixteen floats for AVX-512: the scalar of the shared formulas in translation units built with -mavx512*.
// The type's name keeps their template instances apart from those of other units, so the linker never merges
// code across levels.
#pragma once

#if defined(__AVX512F__) && defined(__AVX512DQ__)

#include <immintrin.h>

#include <cstdint>

namespace renderfm::simd {

struct MaskAvx512 {
  __mmask16 m;
  unsigned bits() const { return m; }
};
inline MaskAvx512 operator&(MaskAvx512 a, MaskAvx512 b) { return {static_cast<__mmask16>(a.m & b.m)}; }
inline bool any(MaskAvx512 m) { return m.bits() != 0; }
inline MaskAvx512 operator|(MaskAvx512 a, MaskAvx512 b) { return {static_cast<__mmask16>(a.m | b.m)}; }

struct PackAvx512 {
  static constexpr int kWidth = 16;
  using Scalar = float;
  using Mask = MaskAvx512;
  __m512 v;

  PackAvx512() = default;
  explicit PackAvx512(__m512 value) : v(value) {}
  explicit PackAvx512(float value) : v(_mm512_set1_ps(value)) {}
  /// `p` aligned to 64 bytes.
  static PackAvx512 load(const float* p) { return PackAvx512(_mm512_load_ps(p)); }
  void store(float* p) const { _mm512_store_ps(p, v); }
  /// p[offsets[lane]]: sixteen loads, since the gather instruction is three times slower on Zen processors.
  static PackAvx512 gather(const float* p, const std::int32_t* o) {
    const __m256 low = _mm256_setr_ps(p[o[0]], p[o[1]], p[o[2]], p[o[3]], p[o[4]], p[o[5]], p[o[6]], p[o[7]]);
    const __m256 high =
        _mm256_setr_ps(p[o[8]], p[o[9]], p[o[10]], p[o[11]], p[o[12]], p[o[13]], p[o[14]], p[o[15]]);
    return PackAvx512(_mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1));
  }
  static Mask first_lanes(int count) { return {static_cast<__mmask16>((1u << count) - 1u)}; }
};

inline PackAvx512 operator+(PackAvx512 a, PackAvx512 b) { return PackAvx512(_mm512_add_ps(a.v, b.v)); }
inline PackAvx512 operator-(PackAvx512 a, PackAvx512 b) { return PackAvx512(_mm512_sub_ps(a.v, b.v)); }
inline PackAvx512 operator*(PackAvx512 a, PackAvx512 b) { return PackAvx512(_mm512_mul_ps(a.v, b.v)); }
inline PackAvx512 operator/(PackAvx512 a, PackAvx512 b) { return PackAvx512(_mm512_div_ps(a.v, b.v)); }
inline PackAvx512 operator-(PackAvx512 a) { return PackAvx512(_mm512_xor_ps(a.v, _mm512_set1_ps(-0.0f))); }
inline MaskAvx512 operator<(PackAvx512 a, PackAvx512 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
inline MaskAvx512 operator<=(PackAvx512 a, PackAvx512 b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)};
}
inline MaskAvx512 operator>(PackAvx512 a, PackAvx512 b) { return b < a; }
inline MaskAvx512 operator>=(PackAvx512 a, PackAvx512 b) { return b <= a; }
inline PackAvx512 select(MaskAvx512 m, PackAvx512 a, PackAvx512 b) {
  return PackAvx512(_mm512_mask_blend_ps(m.m, b.v, a.v));
}
/// a where m, else 0.
inline PackAvx512 keep(MaskAvx512 m, PackAvx512 a) { return PackAvx512(_mm512_maskz_mov_ps(m.m, a.v)); }
inline PackAvx512 minimum(PackAvx512 a, PackAvx512 b) { return PackAvx512(_mm512_min_ps(a.v, b.v)); }
inline PackAvx512 maximum(PackAvx512 a, PackAvx512 b) { return PackAvx512(_mm512_max_ps(a.v, b.v)); }
inline PackAvx512 square_root(PackAvx512 a) { return PackAvx512(_mm512_sqrt_ps(a.v)); }
inline PackAvx512 round_down(PackAvx512 a) {
  return PackAvx512(_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC));
}
inline PackAvx512 fmadd(PackAvx512 a, PackAvx512 b, PackAvx512 c) {
  return PackAvx512(_mm512_fmadd_ps(a.v, b.v, c.v));
}
inline PackAvx512 mul_add(PackAvx512 a, PackAvx512 b, PackAvx512 c) { return fmadd(a, b, c); }
inline PackAvx512 scale_by_power_of_two(PackAvx512 value, PackAvx512 biased) {
  return PackAvx512(_mm512_castsi512_ps(
      _mm512_add_epi32(_mm512_castps_si512(value.v), _mm512_slli_epi32(_mm512_castps_si512(biased.v), 23))));
}
inline void split_exponent(PackAvx512 a, PackAvx512& mantissa, PackAvx512& exponent) {
  const __m512i base = _mm512_set1_epi32(0x3f330000);
  const __m512i offset = _mm512_sub_epi32(_mm512_castps_si512(a.v), base);
  mantissa = PackAvx512(
      _mm512_castsi512_ps(_mm512_add_epi32(base, _mm512_and_si512(offset, _mm512_set1_epi32(0x007fffff)))));
  exponent = PackAvx512(_mm512_cvtepi32_ps(_mm512_srai_epi32(offset, 23)));
}

/// Over the lanes, in a fixed order.
inline float sum_lanes(PackAvx512 a) {
  const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
  __m128 sum = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
  return _mm_cvtss_f32(_mm_add_ss(sum, _mm_shuffle_ps(sum, sum, 1)));
}

}  // namespace renderfm::simd

#endif
