// librenderfm_nccl.so: the one function of train/nccl.h that needs LibTorch's CUDA half.
#define USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include <cstdlib>
#include <type_traits>

#include "train/nccl.h"

extern "C" __attribute__((visibility("default"))) void renderfm_make_nccl_group(
    const c10::intrusive_ptr<c10d::Store>& store, int rank, int size, std::chrono::milliseconds timeout,
    c10::intrusive_ptr<c10d::Backend>& group) {
  // Waiting on the host lets an error end as an exception in the thread that trains. Without it c10d's own
  // thread ends the process, with a page of text and no checkpoint.
  ::setenv("TORCH_NCCL_BLOCKING_WAIT", "1", 0);
  const auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = timeout;
  group = c10::make_intrusive<c10d::ProcessGroupNCCL>(store, rank, size, options);
}

static_assert(std::is_same_v<decltype(renderfm_make_nccl_group), renderfm::train::MakeNcclGroup>);
