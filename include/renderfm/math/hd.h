// The mark of code shared by CPU and GPU, and nothing else.
#pragma once

#if defined(__CUDACC__)
#define RFM_HD __host__ __device__ __forceinline__
#else
#define RFM_HD inline
#endif
