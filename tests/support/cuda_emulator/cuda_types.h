// CUDA's qualifiers, vector types and built-in variables. C++ knows none of them, so they have no namespace,
// as in CUDA.
#pragma once

#define __global__
#define __device__
#define __host__
#define __grid_constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))

#define RFM_EMULATED_VECTORS(name, scalar)                                             \
  struct alignas(2 * sizeof(scalar)) name##2 {                                         \
    scalar x, y;                                                                       \
  };                                                                                   \
  struct name##3 {                                                                     \
    scalar x, y, z;                                                                    \
  };                                                                                   \
  struct alignas(4 * sizeof(scalar)) name##4 {                                         \
    scalar x, y, z, w;                                                                 \
  };                                                                                   \
  constexpr name##2 make_##name##2(scalar x, scalar y) { return {x, y}; }              \
  constexpr name##3 make_##name##3(scalar x, scalar y, scalar z) { return {x, y, z}; } \
  constexpr name##4 make_##name##4(scalar x, scalar y, scalar z, scalar w) { return {x, y, z, w}; }

RFM_EMULATED_VECTORS(uchar, unsigned char)
RFM_EMULATED_VECTORS(ushort, unsigned short)
RFM_EMULATED_VECTORS(int, int)
RFM_EMULATED_VECTORS(uint, unsigned)
RFM_EMULATED_VECTORS(float, float)
#undef RFM_EMULATED_VECTORS

struct alignas(16) ulonglong2 {
  unsigned long long x, y;
};
constexpr ulonglong2 make_ulonglong2(unsigned long long x, unsigned long long y) { return {x, y}; }
struct alignas(16) double2 {
  double x, y;
};
constexpr double2 make_double2(double x, double y) { return {x, y}; }

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned width = 1, unsigned height = 1, unsigned depth = 1)
      : x(width), y(height), z(depth) {}
  constexpr dim3(uint3 size) : x(size.x), y(size.y), z(size.z) {}
};

// Those of the thread that runs now; the emulator sets them at every switch.
extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
constexpr int warpSize = 32;
