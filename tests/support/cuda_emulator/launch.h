// What runs an emulated kernel, and the seed of its order.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/cuda_error.h"
#include "common/stream.h"
#include "support/cuda_emulator/cuda_types.h"

namespace renderfm::cuda::emulator {

/// A fault of a kernel: names the kernel, block, thread, what was wrong, and the seed that showed it.
class KernelFault : public CudaError {
 public:
  using CudaError::CudaError;
};

/// Fixes the order in which blocks and threads run from the next launch on. The same seed gives the same
/// order.
void set_seed(std::uint64_t seed);

struct LaunchSpec {
  const char* kernel;
  dim3 grid, block;
  std::size_t dynamic_shared_bytes;
  Stream stream;
};

/// Calls `thread(argument)` as every thread of the grid. Throws KernelFault, or CudaError for sizes CUDA
/// refuses.
void run_threads(const LaunchSpec& spec, void (*thread)(const void*), const void* argument);

template <class Params>
void run(const LaunchSpec& spec, void (*entry)(Params), const Params& params) {
  struct Call {
    void (*entry)(Params);
    const Params* params;
  };
  const Call call{entry, &params};
  run_threads(
      spec,
      [](const void* argument) {
        const Call& this_call = *static_cast<const Call*>(argument);
        this_call.entry(*this_call.params);
      },
      &call);
}

/// These happen at once: every stream is as if it had been waited for.
void memset_async(void* pointer, int value, std::size_t bytes, Stream stream);
void copy_async(void* to, const void* from, std::size_t bytes, Stream stream);
void synchronize(Stream stream);

}  // namespace renderfm::cuda::emulator
