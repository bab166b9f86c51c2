// The scalar of the blend loops: a float whose 2^x and 1/x come from the special function units. It lets the
// shared formulas of raster/blend.h compile to them, while everything else about drawing stays exact.
#pragma once

#include "common/launch.cuh"
#include "raster/layout.cuh"
#include "renderfm/math/scalar_ops.h"
#include "renderfm/raster/blend.h"

namespace renderfm::raster::cuda {

struct FastFloat {
  float value;
  __device__ __forceinline__ FastFloat() {}
  __device__ __forceinline__ FastFloat(float v) : value(v) {}
};

__device__ __forceinline__ FastFloat operator+(FastFloat a, FastFloat b) { return a.value + b.value; }
__device__ __forceinline__ FastFloat operator-(FastFloat a, FastFloat b) { return a.value - b.value; }
__device__ __forceinline__ FastFloat operator-(FastFloat a) { return -a.value; }
__device__ __forceinline__ FastFloat operator*(FastFloat a, FastFloat b) { return a.value * b.value; }
__device__ __forceinline__ FastFloat operator/(FastFloat a, FastFloat b) {
  return a.value * ::renderfm::cuda::fast_reciprocal(b.value);
}
__device__ __forceinline__ bool operator<=(FastFloat a, FastFloat b) { return a.value <= b.value; }
__device__ __forceinline__ bool operator>=(FastFloat a, FastFloat b) { return a.value >= b.value; }

__device__ __forceinline__ FastFloat mul_add(FastFloat a, FastFloat b, FastFloat c) {
  return ::renderfm::mul_add(a.value, b.value, c.value);
}
__device__ __forceinline__ FastFloat select(bool condition, FastFloat if_true, FastFloat if_false) {
  return condition ? if_true.value : if_false.value;
}
__device__ __forceinline__ FastFloat keep(bool condition, FastFloat value) {
  return condition ? value.value : 0.0f;
}
/// One instruction; no operand is ever NaN here.
__device__ __forceinline__ FastFloat minimum(FastFloat a, FastFloat b) { return fminf(a.value, b.value); }
/// 0 below -126, as the special function unit has it.
__device__ __forceinline__ FastFloat fast_exp2(FastFloat x) {
#if defined(RENDERFM_CUDA_EMULATOR)
  if (x.value < -126.0f) return 0.0f;
#endif
  return ::renderfm::cuda::fast_exp2_device(x.value);
}

/// log2(alpha) of a splat at a lane's two pixels, (x, y) and (x, y + kRowStep): centres. `a` and `b` are the
/// first two thirds of a Splat. Both ways go through here, so that they agree to the bit on what is drawn.
struct LaneExponents {
  FastFloat first, second;
};
__device__ __forceinline__ LaneExponents lane_exponents(const float4& a, const float4& b, float x, float y) {
  const FastFloat dx = x - a.x, dy = y - a.y;
  const FastFloat base = mul_add(FastFloat(a.z) * dx, dx, b.y), slope = FastFloat(a.w) * dx;
  return {exponent_at(base, slope, FastFloat(b.x), dy),
          exponent_at(base, slope, FastFloat(b.x), dy + FastFloat(static_cast<float>(kRowStep)))};
}

}  // namespace renderfm::raster::cuda
