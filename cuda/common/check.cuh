// Errors of CUDA's run-time library become CudaError.
#pragma once

#include <string>

#include "common/cuda_error.h"

#if !defined(RENDERFM_CUDA_EMULATOR)
#include <cuda_runtime.h>

namespace renderfm::cuda {

/// Throws unless `status` is cudaSuccess; `what` was being done, as in "copying the image".
inline void check(cudaError_t status, const std::string& what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // an error that is not fatal must not be reported again by the next launch
  throw CudaError(what + " failed: " + cudaGetErrorString(status) + " (" + cudaGetErrorName(status) + ")");
}

}  // namespace renderfm::cuda
#endif
