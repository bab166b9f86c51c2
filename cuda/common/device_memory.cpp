#include "common/device_memory.h"

#include "common/check.cuh"

namespace renderfm::cuda {

std::string why_no_device() {
  int devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&devices);
  if (status != cudaSuccess) {
    cudaGetLastError();
    return std::string("CUDA finds no GPU (") + cudaGetErrorString(status) + ")";
  }
  return devices > 0 ? "" : "CUDA finds no GPU";
}

void* allocate(std::size_t bytes) {
  void* pointer = nullptr;
  check(cudaMalloc(&pointer, bytes), "taking " + std::to_string(bytes) + " bytes of GPU memory");
  return pointer;
}

void release(void* pointer) noexcept { cudaFree(pointer); }

void copy(void* to, const void* from, std::size_t bytes) {
  check(cudaMemcpy(to, from, bytes, cudaMemcpyDefault), "copying " + std::to_string(bytes) + " bytes");
}

}  // namespace renderfm::cuda
