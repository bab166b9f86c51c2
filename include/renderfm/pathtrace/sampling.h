// From uniform numbers to free paths and directions, with additions and multiplications only: the same bits
// at every instruction level.
#pragma once

#include <cstdint>

#include "renderfm/math/hd.h"
#include "renderfm/math/rng.h"
#include "renderfm/math/scalar_ops.h"
#include "renderfm/math/vec.h"

/// Before a short loop over elements: kept rolled, it would put them into a GPU's local memory.
#if defined(__CUDA_ARCH__)
#define RFM_UNROLL _Pragma("unroll")
#else
#define RFM_UNROLL
#endif

namespace renderfm::pathtrace {

inline constexpr float kPi = 3.14159265358979324F;

/// -ln x for x in [2^-24, 1]; relative error at most 5e-7 (tested), also near x = 1.
RFM_HD float negative_log(float x) {
  // x = m 2^e; ln m = 2 (s + s^3/3 + s^5/5 + ...), s = (m - 1)/(m + 1), |s| <= 0.178.
  float mantissa = 1, exponent = 0;
  split_exponent(x, mantissa, exponent);
  const float s = (mantissa - 1.0F) / (mantissa + 1.0F);
  const float s2 = s * s;
  const float series = (((0.2222222222F * s2 + 0.2857142857F) * s2 + 0.4F) * s2 + 0.6666666667F) * s2 + 2.0F;
  return -(series * s + exponent * 0.69314718056F);
}

/// An optical depth, exponentially distributed with mean 1.
RFM_HD float sample_optical_depth(Pcg32& random) { return negative_log(1.0F - random.uniform<float>()); }

struct CosSin {
  float cos, sin;
};

/// A point of the unit circle at an angle that is uniform where u is uniform in [0, 1).
RFM_HD CosSin unit_circle(float u) {
  const float quarters = 4.0F * u;
  const int quadrant = static_cast<int>(quarters);
  const float a = (quarters - static_cast<float>(quadrant) - 0.5F) * (0.5F * kPi);  // in +-pi/4
  const float a2 = a * a;
  const float s = a * (((-1.9515296e-4F * a2 + 8.3321609e-3F) * a2 - 0.16666655F) * a2 + 1.0F);
  const float c = ((2.4433157e-5F * a2 - 1.3887316e-3F) * a2 + 4.1666646e-2F) * a2 * a2 - 0.5F * a2 + 1.0F;
  switch (quadrant) {
    case 0: return {c, s};
    case 1: return {-s, c};
    case 2: return {-c, -s};
    default: return {s, -c};
  }
}

/// Two unit vectors that complete the unit vector n to a right-handed frame (Duff et al. 2017).
struct Frame {
  Vec3f x, y, n;
  RFM_HD explicit Frame(Vec3f normal) : n(normal) {
    const float sign = normal.z >= 0 ? 1.0F : -1.0F;
    const float a = -1.0F / (sign + normal.z), b = normal.x * normal.y * a;
    x = {1.0F + sign * normal.x * normal.x * a, sign * b, -sign * normal.x};
    y = {b, sign + normal.y * normal.y * a, -normal.y};
  }
  RFM_HD Vec3f to_world(Vec3f v) const { return x * v.x + y * v.y + n * v.z; }
  RFM_HD Vec3f to_local(Vec3f v) const { return {dot(x, v), dot(y, v), dot(n, v)}; }
};

/// Unit vector with the given cosine to the frame's normal and a uniform azimuth.
RFM_HD Vec3f direction_about(const Frame& frame, float cosine, float u) {
  const float squared = 1.0F - cosine * cosine;
  const float sine = square_root(squared > 0 ? squared : 0.0F);
  const CosSin azimuth = unit_circle(u);
  return frame.to_world({sine * azimuth.cos, sine * azimuth.sin, cosine});
}

/// Uniform over the sphere.
RFM_HD Vec3f sample_sphere(float u, float v) {
  const float z = 1.0F - 2.0F * u;
  const float squared = 1.0F - z * z;
  const float r = square_root(squared > 0 ? squared : 0.0F);
  const CosSin azimuth = unit_circle(v);
  return {r * azimuth.cos, r * azimuth.sin, z};
}

/// Cosine-weighted over the hemisphere around +z: pdf z / pi.
RFM_HD Vec3f sample_cosine_hemisphere(float u, float v) {
  const float r = square_root(u);
  const CosSin azimuth = unit_circle(v);
  return {r * azimuth.cos, r * azimuth.sin, square_root(1.0F - u)};
}

RFM_HD float max_component(Vec3f v) {
  const float xy = v.x > v.y ? v.x : v.y;
  return xy > v.z ? xy : v.z;
}

}  // namespace renderfm::pathtrace
