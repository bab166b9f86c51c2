// The seam between kernels and what runs them: nvcc's CUDA, or, where RENDERFM_CUDA_EMULATOR is defined, the
// block-and-warp emulator of the tests, which compiles the same .cu file as C++. A .cu file includes this and
// never <cuda_runtime.h>. CUDA's own spelling holds for everything else that the emulator knows; what it does
// not know (float atomics, cooperative groups, textures) does not compile there.
#pragma once

#include <cstddef>
#include <string>
#include <type_traits>

#if defined(RENDERFM_CUDA_EMULATOR)
#include "support/cuda_emulator/emulator.h"
#endif

#include "common/check.cuh"
#include "common/device.cuh"
#include "common/stream.h"

// Shared memory. `RFM_SHARED(float4, tile, 32);` declares an array of a block, `RFM_DYNAMIC_SHARED(float,
// sums);` the memory that the launch asks for, `RFM_DYNAMIC_SHARED_AT(int, ids, bytes);` the same from a
// multiple of 16 bytes on. Under nvcc these are plain arrays and pointers. The emulator watches them, element
// by element: an element is read whole and written whole (`const float4 v = tile[i]; tile[i] = v;`, `tile[i]
// += v`, atomicAdd(&tile[i], 1)), never by member (`tile[i].x = 0` does not compile there) and never through
// a pointer, reference or `auto` kept to it. A __device__ function takes such memory as `Shared<float4>
// tile`, and `tile + 8` works.
#if defined(RENDERFM_CUDA_EMULATOR)
#define RFM_SHARED(type, name, count) RFM_EMULATED_SHARED(type, name, count)
#define RFM_DYNAMIC_SHARED(type, name) RFM_EMULATED_DYNAMIC_SHARED(type, name, 0)
#define RFM_DYNAMIC_SHARED_AT(type, name, bytes) RFM_EMULATED_DYNAMIC_SHARED(type, name, bytes)
#else
#define RFM_SHARED(type, name, count) __shared__ type name[count]
#define RFM_DYNAMIC_SHARED(type, name) RFM_DYNAMIC_SHARED_AT(type, name, 0)
#define RFM_DYNAMIC_SHARED_AT(type, name, bytes)                      \
  extern __shared__ __align__(16) unsigned char rfm_dynamic_shared[]; \
  type* const name = reinterpret_cast<type*>(rfm_dynamic_shared + (bytes))
#endif

namespace renderfm::cuda {

#if defined(RENDERFM_CUDA_EMULATOR)
template <class T>
using Shared = emulator::SharedArray<T>;
#else
template <class T>
using Shared = T*;
#endif

/// A kernel and its name in messages; made by RFM_KERNEL.
template <class Params>
struct Kernel {
  void (*entry)(Params);
  const char* name;
};

template <class Params>
Kernel<Params> named_kernel(const char* name, void (*entry)(Params)) {
  return {entry, name};
}

/// launch(RFM_KERNEL(blend_kernel<true>), grid, block, 0, stream, params);
#define RFM_KERNEL(...) ::renderfm::cuda::named_kernel(#__VA_ARGS__, __VA_ARGS__)

inline std::string describe(dim3 size) {
  return std::to_string(size.x) + "x" + std::to_string(size.y) + "x" + std::to_string(size.z);
}

/// Queues a kernel; its one argument goes by value. Throws CudaError where CUDA refuses the launch or reports
/// what went wrong before it. An empty grid is refused: callers skip it.
template <class Params>
void launch(Kernel<Params> kernel, dim3 grid, dim3 block, std::size_t dynamic_shared_bytes, Stream stream,
            const Params& params) {
  static_assert(std::is_trivially_copyable_v<Params>,
                "a kernel takes one plain struct of pointers and numbers");
#if defined(RENDERFM_CUDA_EMULATOR)
  emulator::run({kernel.name, grid, block, dynamic_shared_bytes, stream}, kernel.entry, params);
#else
  const std::string what = std::string("launching ") + kernel.name + " on a grid of " + describe(grid) +
                           " blocks of " + describe(block) + " threads with " +
                           std::to_string(dynamic_shared_bytes) + " bytes of dynamic shared memory";
  const void* entry = reinterpret_cast<const void*>(kernel.entry);
  constexpr std::size_t kWithoutAsking = 48 * 1024;
  if (dynamic_shared_bytes > kWithoutAsking) {
    check(cudaFuncSetAttribute(entry, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(dynamic_shared_bytes)),
          what);
  }
  void* arguments[] = {const_cast<Params*>(&params)};
  check(cudaLaunchKernel(entry, grid, block, arguments, dynamic_shared_bytes, stream), what);
  check(cudaGetLastError(), what);
#endif
}

/// Queues the setting of `bytes` bytes of device memory to `value`.
inline void memset_async(void* pointer, int value, std::size_t bytes, Stream stream) {
#if defined(RENDERFM_CUDA_EMULATOR)
  emulator::memset_async(pointer, value, bytes, stream);
#else
  check(cudaMemsetAsync(pointer, value, bytes, stream), "setting " + std::to_string(bytes) + " bytes");
#endif
}

/// Queues a copy between any two of host and device.
inline void copy_async(void* to, const void* from, std::size_t bytes, Stream stream) {
#if defined(RENDERFM_CUDA_EMULATOR)
  emulator::copy_async(to, from, bytes, stream);
#else
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream),
        "copying " + std::to_string(bytes) + " bytes");
#endif
}

/// Waits for everything queued on `stream`, and throws what went wrong in it.
inline void synchronize(Stream stream) {
#if defined(RENDERFM_CUDA_EMULATOR)
  emulator::synchronize(stream);
#else
  check(cudaStreamSynchronize(stream), "waiting for the device");
#endif
}

}  // namespace renderfm::cuda
