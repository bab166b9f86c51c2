// Kernels whose figures are known by construction; cuda_static_report_test.py compiles and counts them.
// SHORT, LONG and the faults are set on the compiler's command line.
#ifndef SHORT
#define SHORT 0
#endif
#ifndef LONG
#define LONG 0
#endif

template <int kCount>
__device__ __forceinline__ void multiply_adds(float& x) {
  if constexpr (kCount > 0) {
    asm volatile("fma.rn.f32 %0, %0, %0, %0;" : "+f"(x));
    multiply_adds<kCount - 1>(x);
  }
}

__device__ __forceinline__ float exp2_of(float x) {
  float y;
  asm volatile("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// A step for every bit of a mask: SHORT multiply-adds before the branch, LONG behind it, for two pixels a
// lane.
__global__ void __launch_bounds__(128) walk_kernel(const float* in, float* out, const unsigned* masks) {
  __shared__ float record[32];
  record[threadIdx.x % 32] = in[threadIdx.x];
  __syncthreads();
  float x = in[threadIdx.x], sum = 0;
  unsigned mask = masks[blockIdx.x];
#pragma unroll 1
  while (mask != 0) {
    const float value = record[__ffs(static_cast<int>(mask)) - 1];
    mask &= mask - 1;
    multiply_adds<SHORT>(x);
    if (!__any_sync(0xffffffffu, x > value)) continue;
    multiply_adds<LONG>(x);
    sum += exp2_of(x) + exp2_of(value);
  }
  out[threadIdx.x] = sum + x;
}

constexpr int kEvery = 4;

// Steps that leave their sums to one reduction, LONG multiply-adds long beside its shuffles.
__global__ void __launch_bounds__(128) group_kernel(const float* in, float* out, int count) {
  float x = in[threadIdx.x], left = 0, sum = 0;
  int waiting = 0;
#pragma unroll 1
  for (int i = 0; i < count; ++i) {
    if (!__any_sync(0xffffffffu, x > static_cast<float>(i))) continue;
    x = exp2_of(x) + exp2_of(x * 2.0f);
    left += x;
    if (++waiting < kEvery) continue;
#pragma unroll
    for (int step = 16; step > 0; step /= 2) left += __shfl_xor_sync(0xffffffffu, left, step);
    multiply_adds<LONG>(left);
    sum += left;
    left = 0;
    waiting = 0;
  }
  out[threadIdx.x] = sum;
}

// Steps without a way around the powers.
__global__ void __launch_bounds__(128) branch_free_kernel(const float* in, float* out, int count) {
  float x = in[threadIdx.x];
#pragma unroll 1
  for (int i = 0; i < count; ++i) {
    multiply_adds<SHORT + LONG>(x);
    x = exp2_of(x) + exp2_of(x * 2.0f);
  }
  out[threadIdx.x] = x;
}

#ifdef INTEGER_ATOMIC
__global__ void count_kernel(unsigned* counts, unsigned* total) {
  __shared__ unsigned bins[32];
  bins[threadIdx.x % 32] = 0;
  __syncthreads();
  atomicAdd(&bins[counts[threadIdx.x] % 32], 1u);
  __syncthreads();
  atomicAdd(total, bins[threadIdx.x % 32]);
  unsigned seen = total[1], before;
  do {
    before = seen;
    seen = atomicCAS(total + 1, before, before * 3 + 1);
  } while (seen != before);
}
#endif

#ifdef FLOAT_ATOMIC
__global__ void add_kernel(float* sum, const float* in) { atomicAdd(sum, in[threadIdx.x]); }
#endif

#ifdef RETURNED_ATOMIC
__global__ void fetch_and_add_kernel(double* sum, double* in) {
  in[threadIdx.x] = atomicAdd(sum, in[threadIdx.x]);
}
#endif

#ifdef SHARED_ATOMIC
__global__ void add_shared_kernel(float* sum, const float* in) {
  __shared__ float total;
  total = 0;
  __syncthreads();
  atomicAdd(&total, in[threadIdx.x]);
  __syncthreads();
  *sum = total;
}
#endif

#ifdef STACK
__global__ void table_kernel(float* out, const int* order) {
  float table[64];
  for (int i = 0; i < 64; ++i) table[order[i] & 63] = out[i];
  out[threadIdx.x] = table[order[threadIdx.x] & 63];
}
#endif

#ifdef SPILL
__global__ void wide_kernel(float* out, const float* in) {
  float kept[64];
#pragma unroll
  for (int i = 0; i < 64; ++i) kept[i] = in[i * 1024 + threadIdx.x];
  __syncthreads();
#pragma unroll
  for (int i = 0; i < 64; ++i) out[(63 - i) * 1024 + threadIdx.x] = kept[i] * kept[(i * 7) % 64];
}
#endif
