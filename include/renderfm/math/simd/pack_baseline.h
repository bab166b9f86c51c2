// Four floats as a GCC/Clang vector: SSE2 on x86-64, NEON on ARM, plain code elsewhere.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace renderfm::simd {

using Float4 = float __attribute__((vector_size(16)));
using Int4 = std::int32_t __attribute__((vector_size(16)));

struct MaskBaseline {
  Int4 m;
  unsigned bits() const { return static_cast<unsigned>((m[0] & 1) | (m[1] & 2) | (m[2] & 4) | (m[3] & 8)); }
};
inline MaskBaseline operator&(MaskBaseline a, MaskBaseline b) { return {a.m & b.m}; }
inline bool any(MaskBaseline m) { return m.bits() != 0; }
inline MaskBaseline operator|(MaskBaseline a, MaskBaseline b) { return {a.m | b.m}; }

struct PackBaseline {
  static constexpr int kWidth = 4;
  using Scalar = float;
  using Mask = MaskBaseline;
  Float4 v;

  PackBaseline() = default;
  explicit PackBaseline(Float4 value) : v(value) {}
  explicit PackBaseline(float value) : v(Float4{value, value, value, value}) {}
  static PackBaseline load(const float* p) {
    PackBaseline a;
    std::memcpy(&a.v, p, sizeof(a.v));
    return a;
  }
  void store(float* p) const { std::memcpy(p, &v, sizeof(v)); }
  static PackBaseline gather(const float* p, const std::int32_t* o) {
    return PackBaseline(Float4{p[o[0]], p[o[1]], p[o[2]], p[o[3]]});
  }
  static Mask first_lanes(int count) { return {Int4{count, count, count, count} > Int4{0, 1, 2, 3}}; }
};

inline PackBaseline operator+(PackBaseline a, PackBaseline b) { return PackBaseline(a.v + b.v); }
inline PackBaseline operator-(PackBaseline a, PackBaseline b) { return PackBaseline(a.v - b.v); }
inline PackBaseline operator*(PackBaseline a, PackBaseline b) { return PackBaseline(a.v * b.v); }
inline PackBaseline operator/(PackBaseline a, PackBaseline b) { return PackBaseline(a.v / b.v); }
inline PackBaseline operator-(PackBaseline a) { return PackBaseline(-a.v); }
inline MaskBaseline operator<(PackBaseline a, PackBaseline b) { return {a.v < b.v}; }
inline MaskBaseline operator<=(PackBaseline a, PackBaseline b) { return {a.v <= b.v}; }
inline MaskBaseline operator>(PackBaseline a, PackBaseline b) { return {a.v > b.v}; }
inline MaskBaseline operator>=(PackBaseline a, PackBaseline b) { return {a.v >= b.v}; }
inline PackBaseline select(MaskBaseline m, PackBaseline a, PackBaseline b) {
  return PackBaseline(m.m ? a.v : b.v);
}
/// a where m, else 0.
inline PackBaseline keep(MaskBaseline m, PackBaseline a) { return PackBaseline((Float4)((Int4)a.v & m.m)); }
inline PackBaseline minimum(PackBaseline a, PackBaseline b) { return PackBaseline(a.v < b.v ? a.v : b.v); }
inline PackBaseline maximum(PackBaseline a, PackBaseline b) { return PackBaseline(a.v > b.v ? a.v : b.v); }
inline PackBaseline square_root(PackBaseline a) {
  return PackBaseline(Float4{std::sqrt(a.v[0]), std::sqrt(a.v[1]), std::sqrt(a.v[2]), std::sqrt(a.v[3])});
}
inline PackBaseline round_down(PackBaseline a) {
  return PackBaseline(Float4{std::floor(a.v[0]), std::floor(a.v[1]), std::floor(a.v[2]), std::floor(a.v[3])});
}
/// One rounding also where the processor has no such instruction: libm then emulates it, slowly but to the
/// bit.
inline PackBaseline fmadd(PackBaseline a, PackBaseline b, PackBaseline c) {
  return PackBaseline(Float4{::fmaf(a.v[0], b.v[0], c.v[0]), ::fmaf(a.v[1], b.v[1], c.v[1]),
                             ::fmaf(a.v[2], b.v[2], c.v[2]), ::fmaf(a.v[3], b.v[3], c.v[3])});
}
inline PackBaseline mul_add(PackBaseline a, PackBaseline b, PackBaseline c) {
  return PackBaseline(a.v * b.v + c.v);
}
inline PackBaseline scale_by_power_of_two(PackBaseline value, PackBaseline biased) {
  return PackBaseline((Float4)((Int4)value.v + ((Int4)biased.v << 23)));
}
inline void split_exponent(PackBaseline a, PackBaseline& mantissa, PackBaseline& exponent) {
  const Int4 base = Int4{0, 0, 0, 0} + 0x3f330000;
  const Int4 offset = (Int4)a.v - base;
  mantissa = PackBaseline((Float4)(base + (offset & 0x007fffff)));
  exponent = PackBaseline(__builtin_convertvector(offset >> 23, Float4));
}

/// Over the lanes, in a fixed order.
inline float sum_lanes(PackBaseline a) { return (a.v[0] + a.v[2]) + (a.v[1] + a.v[3]); }

}  // namespace renderfm::simd
