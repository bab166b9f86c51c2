// Four doubles as plain code: the shared formulas in double precision, for checking gradients, not for speed.
#pragma once

#include <cmath>
#include <cstdint>

#include "renderfm/math/fast_exp.h"

namespace renderfm::simd {

struct MaskDouble {
  bool m[4];
  template <class F>
  static MaskDouble each(const F& lane) {
    return {{lane(0), lane(1), lane(2), lane(3)}};
  }
  unsigned bits() const { return (m[0] ? 1u : 0u) | (m[1] ? 2u : 0u) | (m[2] ? 4u : 0u) | (m[3] ? 8u : 0u); }
};
inline MaskDouble operator&(MaskDouble a, MaskDouble b) {
  return MaskDouble::each([&](int i) { return a.m[i] && b.m[i]; });
}
inline bool any(MaskDouble m) { return m.bits() != 0; }
inline MaskDouble operator|(MaskDouble a, MaskDouble b) {
  return MaskDouble::each([&](int i) { return a.m[i] || b.m[i]; });
}

struct PackDouble {
  static constexpr int kWidth = 4;
  using Scalar = double;
  using Mask = MaskDouble;
  double v[4];

  PackDouble() = default;
  explicit PackDouble(double value) : v{value, value, value, value} {}
  template <class F>
  static PackDouble each(const F& lane) {
    PackDouble a;
    for (int i = 0; i < 4; ++i) a.v[i] = lane(i);
    return a;
  }
  static PackDouble load(const double* p) {
    return each([&](int i) { return p[i]; });
  }
  void store(double* p) const {
    for (int i = 0; i < 4; ++i) p[i] = v[i];
  }
  static PackDouble gather(const double* p, const std::int32_t* o) {
    return each([&](int i) { return p[o[i]]; });
  }
  static Mask first_lanes(int count) {
    return Mask::each([&](int i) { return i < count; });
  }
};

inline PackDouble operator+(PackDouble a, PackDouble b) {
  return PackDouble::each([&](int i) { return a.v[i] + b.v[i]; });
}
inline PackDouble operator-(PackDouble a, PackDouble b) {
  return PackDouble::each([&](int i) { return a.v[i] - b.v[i]; });
}
inline PackDouble operator*(PackDouble a, PackDouble b) {
  return PackDouble::each([&](int i) { return a.v[i] * b.v[i]; });
}
inline PackDouble operator/(PackDouble a, PackDouble b) {
  return PackDouble::each([&](int i) { return a.v[i] / b.v[i]; });
}
inline PackDouble operator-(PackDouble a) {
  return PackDouble::each([&](int i) { return -a.v[i]; });
}
inline MaskDouble operator<(PackDouble a, PackDouble b) {
  return MaskDouble::each([&](int i) { return a.v[i] < b.v[i]; });
}
inline MaskDouble operator<=(PackDouble a, PackDouble b) {
  return MaskDouble::each([&](int i) { return a.v[i] <= b.v[i]; });
}
inline MaskDouble operator>(PackDouble a, PackDouble b) {
  return MaskDouble::each([&](int i) { return a.v[i] > b.v[i]; });
}
inline MaskDouble operator>=(PackDouble a, PackDouble b) {
  return MaskDouble::each([&](int i) { return a.v[i] >= b.v[i]; });
}
inline PackDouble select(MaskDouble m, PackDouble a, PackDouble b) {
  return PackDouble::each([&](int i) { return m.m[i] ? a.v[i] : b.v[i]; });
}
/// a where m, else 0.
inline PackDouble keep(MaskDouble m, PackDouble a) { return select(m, a, PackDouble(0.0)); }
inline PackDouble minimum(PackDouble a, PackDouble b) { return select(a < b, a, b); }
inline PackDouble maximum(PackDouble a, PackDouble b) { return select(a > b, a, b); }
inline PackDouble square_root(PackDouble a) {
  return PackDouble::each([&](int i) { return std::sqrt(a.v[i]); });
}
inline PackDouble round_down(PackDouble a) {
  return PackDouble::each([&](int i) { return std::floor(a.v[i]); });
}
inline PackDouble fmadd(PackDouble a, PackDouble b, PackDouble c) {
  return PackDouble::each([&](int i) { return std::fma(a.v[i], b.v[i], c.v[i]); });
}
inline PackDouble mul_add(PackDouble a, PackDouble b, PackDouble c) { return a * b + c; }
// libm's, not the polynomials that are made for float.
inline PackDouble fast_exp2(PackDouble a) {
  return PackDouble::each([&](int i) { return renderfm::fast_exp2(a.v[i]); });
}
inline PackDouble exact_exp2(PackDouble a) {
  return PackDouble::each([&](int i) { return renderfm::exact_exp2(a.v[i]); });
}
inline PackDouble exact_log2(PackDouble a) {
  return PackDouble::each([&](int i) { return renderfm::exact_log2(a.v[i]); });
}
/// Over the lanes, in a fixed order.
inline double sum_lanes(PackDouble a) { return (a.v[0] + a.v[2]) + (a.v[1] + a.v[3]); }

}  // namespace renderfm::simd
