// NCCL, in a library of its own: it links LibTorch's CUDA half, without which the programs must run.
#pragma once

#include <torch/types.h>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include <chrono>
#include <string>

namespace renderfm::train {

/// What the library exports under the name kNcclEntry. Throws c10::Error where NCCL does not start.
using MakeNcclGroup = void(const c10::intrusive_ptr<c10d::Store>& store, int rank, int size,
                           std::chrono::milliseconds timeout, c10::intrusive_ptr<c10d::Backend>& group);

constexpr const char* kNcclLibrary = "librenderfm_nccl.so";
constexpr const char* kNcclEntry = "renderfm_make_nccl_group";

/// Loads the library for the life of the process; nullptr and the reason where that cannot be.
MakeNcclGroup* load_nccl(std::string& reason);

struct NcclPlace {
  int rank = 0, size = 1;
  torch::Device device{torch::kCUDA, 0};
  std::chrono::milliseconds timeout{};
};

/// All processes meet in a first sum. Throws kRuntime in one sentence where NCCL does not start, for one
/// where there is no GPU.
c10::intrusive_ptr<c10d::Backend> start_nccl(MakeNcclGroup* make,
                                             const c10::intrusive_ptr<c10d::Store>& store,
                                             const NcclPlace& place);

}  // namespace renderfm::train
