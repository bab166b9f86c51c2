// What CUDA code throws: kernels' sources see neither fmt nor our Error, which the host code above makes of
// it.
#pragma once

#include <stdexcept>
#include <string>

namespace renderfm::cuda {

/// A failed launch, copy or memset; the message names the kernel or operation, its sizes and CUDA's reason.
class CudaError : public std::runtime_error {
 public:
  explicit CudaError(const std::string& message) : std::runtime_error(message) {}
};

}  // namespace renderfm::cuda
