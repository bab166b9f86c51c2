// Eight floats for AVX2 with FMA; see pack_avx512.h for why the type's name says so.
#pragma once

#if defined(__AVX2__) && defined(__FMA__)

#include <immintrin.h>

#include <cstdint>

namespace renderfm::simd {

struct MaskAvx2 {
  __m256 m;
  unsigned bits() const { return static_cast<unsigned>(_mm256_movemask_ps(m)); }
};
inline MaskAvx2 operator&(MaskAvx2 a, MaskAvx2 b) { return {_mm256_and_ps(a.m, b.m)}; }
inline bool any(MaskAvx2 m) { return m.bits() != 0; }
inline MaskAvx2 operator|(MaskAvx2 a, MaskAvx2 b) { return {_mm256_or_ps(a.m, b.m)}; }

struct PackAvx2 {
  static constexpr int kWidth = 8;
  using Scalar = float;
  using Mask = MaskAvx2;
  __m256 v;

  PackAvx2() = default;
  explicit PackAvx2(__m256 value) : v(value) {}
  explicit PackAvx2(float value) : v(_mm256_set1_ps(value)) {}
  /// `p` aligned to 32 bytes.
  static PackAvx2 load(const float* p) { return PackAvx2(_mm256_load_ps(p)); }
  void store(float* p) const { _mm256_store_ps(p, v); }
  /// p[offsets[lane]]: eight loads, since AVX2's gather is slow or was slowed by microcode on many
  /// processors.
  static PackAvx2 gather(const float* p, const std::int32_t* o) {
    return PackAvx2(_mm256_setr_ps(p[o[0]], p[o[1]], p[o[2]], p[o[3]], p[o[4]], p[o[5]], p[o[6]], p[o[7]]));
  }
  static Mask first_lanes(int count) {
    return {_mm256_castsi256_ps(
        _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)))};
  }
};

inline PackAvx2 operator+(PackAvx2 a, PackAvx2 b) { return PackAvx2(_mm256_add_ps(a.v, b.v)); }
inline PackAvx2 operator-(PackAvx2 a, PackAvx2 b) { return PackAvx2(_mm256_sub_ps(a.v, b.v)); }
inline PackAvx2 operator*(PackAvx2 a, PackAvx2 b) { return PackAvx2(_mm256_mul_ps(a.v, b.v)); }
inline PackAvx2 operator/(PackAvx2 a, PackAvx2 b) { return PackAvx2(_mm256_div_ps(a.v, b.v)); }
inline PackAvx2 operator-(PackAvx2 a) { return PackAvx2(_mm256_xor_ps(a.v, _mm256_set1_ps(-0.0f))); }
inline MaskAvx2 operator<(PackAvx2 a, PackAvx2 b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)}; }
inline MaskAvx2 operator<=(PackAvx2 a, PackAvx2 b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LE_OQ)}; }
inline MaskAvx2 operator>(PackAvx2 a, PackAvx2 b) { return b < a; }
inline MaskAvx2 operator>=(PackAvx2 a, PackAvx2 b) { return b <= a; }
inline PackAvx2 select(MaskAvx2 m, PackAvx2 a, PackAvx2 b) {
  return PackAvx2(_mm256_blendv_ps(b.v, a.v, m.m));
}
/// a where m, else 0.
inline PackAvx2 keep(MaskAvx2 m, PackAvx2 a) { return PackAvx2(_mm256_and_ps(m.m, a.v)); }
inline PackAvx2 minimum(PackAvx2 a, PackAvx2 b) { return PackAvx2(_mm256_min_ps(a.v, b.v)); }
inline PackAvx2 maximum(PackAvx2 a, PackAvx2 b) { return PackAvx2(_mm256_max_ps(a.v, b.v)); }
inline PackAvx2 square_root(PackAvx2 a) { return PackAvx2(_mm256_sqrt_ps(a.v)); }
inline PackAvx2 round_down(PackAvx2 a) { return PackAvx2(_mm256_floor_ps(a.v)); }
inline PackAvx2 fmadd(PackAvx2 a, PackAvx2 b, PackAvx2 c) { return PackAvx2(_mm256_fmadd_ps(a.v, b.v, c.v)); }
inline PackAvx2 mul_add(PackAvx2 a, PackAvx2 b, PackAvx2 c) { return fmadd(a, b, c); }
inline PackAvx2 scale_by_power_of_two(PackAvx2 value, PackAvx2 biased) {
  return PackAvx2(_mm256_castsi256_ps(
      _mm256_add_epi32(_mm256_castps_si256(value.v), _mm256_slli_epi32(_mm256_castps_si256(biased.v), 23))));
}
inline void split_exponent(PackAvx2 a, PackAvx2& mantissa, PackAvx2& exponent) {
  const __m256i base = _mm256_set1_epi32(0x3f330000);
  const __m256i offset = _mm256_sub_epi32(_mm256_castps_si256(a.v), base);
  mantissa = PackAvx2(
      _mm256_castsi256_ps(_mm256_add_epi32(base, _mm256_and_si256(offset, _mm256_set1_epi32(0x007fffff)))));
  exponent = PackAvx2(_mm256_cvtepi32_ps(_mm256_srai_epi32(offset, 23)));
}

/// Over the lanes, in a fixed order.
inline float sum_lanes(PackAvx2 a) {
  __m128 sum = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
  return _mm_cvtss_f32(_mm_add_ss(sum, _mm_shuffle_ps(sum, sum, 1)));
}

}  // namespace renderfm::simd

#endif
