// The mark of code shared by CPU and GPU, and nothing else.
#pragma once

#if defined(__CUDACC__)
#define RFM_HD __host__ __device__ __forceinline__
#elif defined(__GNUC__)
// Always inlined: an out-of-line copy made by a unit built for AVX-512 could be the one that the linker keeps
// for everybody.
#define RFM_HD inline __attribute__((always_inline))
#else
#define RFM_HD inline
#endif
