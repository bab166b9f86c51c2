// Arithmetic, bits and atomics that CUDA has beyond C++'s <cmath>.
#pragma once

#include <math.h>

#include <bit>
#include <cstdint>

#include "support/cuda_emulator/cuda_types.h"
#include "support/cuda_emulator/shared_array.h"

namespace renderfm::cuda::emulator {

/// One atomic on device memory, watched; also a place where the thread may be interrupted.
enum class AtomicOp : std::uint8_t { kAdd, kMin, kMax, kAnd, kOr, kXor, kExchange };
int atomic(AtomicOp op, int* pointer, int value);
unsigned atomic(AtomicOp op, unsigned* pointer, unsigned value);
unsigned long long atomic(AtomicOp op, unsigned long long* pointer, unsigned long long value);
unsigned compare_and_swap(unsigned* pointer, unsigned expected, unsigned value);
/// The same where the use is already checked, on shared memory.
int shared_atomic(AtomicOp op, int* pointer, int value);
unsigned shared_atomic(AtomicOp op, unsigned* pointer, unsigned value);
unsigned long long shared_atomic(AtomicOp op, unsigned long long* pointer, unsigned long long value);

}  // namespace renderfm::cuda::emulator

// Float atomics are missing on purpose: their sums depend on the order of threads.
#define RFM_EMULATED_ATOMIC(name, op, type)                                                                  \
  inline type name(type* pointer, type value) {                                                              \
    return renderfm::cuda::emulator::atomic(renderfm::cuda::emulator::AtomicOp::op, pointer, value);         \
  }                                                                                                          \
  inline type name(renderfm::cuda::emulator::SharedPointer<type> pointer, type value) {                      \
    return renderfm::cuda::emulator::shared_atomic(renderfm::cuda::emulator::AtomicOp::op, pointer.atomic(), \
                                                   value);                                                   \
  }
#define RFM_EMULATED_ATOMIC_32(name, op) \
  RFM_EMULATED_ATOMIC(name, op, int)     \
  RFM_EMULATED_ATOMIC(name, op, unsigned)
RFM_EMULATED_ATOMIC_32(atomicAdd, kAdd)
RFM_EMULATED_ATOMIC(atomicAdd, kAdd, unsigned long long)
RFM_EMULATED_ATOMIC_32(atomicMin, kMin)
RFM_EMULATED_ATOMIC_32(atomicMax, kMax)
RFM_EMULATED_ATOMIC_32(atomicAnd, kAnd)
RFM_EMULATED_ATOMIC_32(atomicOr, kOr)
RFM_EMULATED_ATOMIC_32(atomicXor, kXor)
RFM_EMULATED_ATOMIC_32(atomicExch, kExchange)
RFM_EMULATED_ATOMIC(atomicMin, kMin, unsigned long long)
RFM_EMULATED_ATOMIC(atomicMax, kMax, unsigned long long)
#undef RFM_EMULATED_ATOMIC_32
#undef RFM_EMULATED_ATOMIC
inline unsigned atomicCAS(unsigned* pointer, unsigned expected, unsigned value) {
  return renderfm::cuda::emulator::compare_and_swap(pointer, expected, value);
}

// Between threads only barriers order memory here: a protocol built of fences is reported as a race.
inline void __threadfence() {}
inline void __threadfence_block() {}

inline int __popc(unsigned x) { return std::popcount(x); }
inline int __popcll(unsigned long long x) { return std::popcount(x); }
inline int __ffs(int x) { return x == 0 ? 0 : std::countr_zero(static_cast<unsigned>(x)) + 1; }
inline int __ffsll(long long x) {
  return x == 0 ? 0 : std::countr_zero(static_cast<unsigned long long>(x)) + 1;
}
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
inline int __clzll(long long x) { return std::countl_zero(static_cast<unsigned long long>(x)); }
inline unsigned __brev(unsigned x) {
  unsigned reversed = 0;
  for (int bit = 0; bit < 32; ++bit) reversed |= ((x >> bit) & 1u) << (31 - bit);
  return reversed;
}

inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }

inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fsqrt_rn(float x) { return sqrtf(x); }
inline float __saturatef(float x) { return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f; }
inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }

// NaN, and what lies outside int, as the device has them.
inline int __float2int_rz(float x) {
  if (!(x == x)) return 0;
  return x >= 2147483648.0f ? 2147483647 : (x <= -2147483648.0f ? -2147483647 - 1 : static_cast<int>(x));
}
inline int __float2int_rd(float x) { return __float2int_rz(floorf(x)); }
inline int __float2int_ru(float x) { return __float2int_rz(ceilf(x)); }
inline int __float2int_rn(float x) { return __float2int_rz(rintf(x)); }
inline unsigned __float2uint_rz(float x) {
  return !(x > 0.0f) ? 0u : (x >= 4294967296.0f ? 4294967295u : static_cast<unsigned>(x));
}

inline int min(int a, int b) { return b < a ? b : a; }
inline int max(int a, int b) { return a < b ? b : a; }
inline unsigned min(unsigned a, unsigned b) { return b < a ? b : a; }
inline unsigned max(unsigned a, unsigned b) { return a < b ? b : a; }
inline long min(long a, long b) { return b < a ? b : a; }
inline long max(long a, long b) { return a < b ? b : a; }
inline unsigned long min(unsigned long a, unsigned long b) { return b < a ? b : a; }
inline unsigned long max(unsigned long a, unsigned long b) { return a < b ? b : a; }
inline long long min(long long a, long long b) { return b < a ? b : a; }
inline long long max(long long a, long long b) { return a < b ? b : a; }
inline unsigned long long min(unsigned long long a, unsigned long long b) { return b < a ? b : a; }
inline unsigned long long max(unsigned long long a, unsigned long long b) { return a < b ? b : a; }
inline float min(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }
inline double min(double a, double b) { return fmin(a, b); }
inline double max(double a, double b) { return fmax(a, b); }

template <class T>
T __ldg(const T* pointer) {
  return *pointer;
}
template <class T>
T __ldcs(const T* pointer) {
  return *pointer;
}
template <class T>
void __stcs(T* pointer, T value) {
  *pointer = value;
}
