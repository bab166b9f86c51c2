#include "unit/cuda_emulator/faulty_kernels.h"

#include <memory>
#include <stdexcept>

#include "common/launch.cuh"
#include "support/cuda_emulator/device_memory.h"
#include "unit/cuda_emulator/plain_store.h"

namespace renderfm::cuda::test {
namespace {

using emulator::DeviceBuffer;

constexpr int kThreads = 64;
constexpr int kBlocks = 2;
constexpr int kCount = kThreads * kBlocks;

struct FaultParams {
  bool faulty;
  int* out;         ///< [kCount]
  unsigned* total;  ///< [1], 0 at first
  int* other;       ///< [kCount], what the fault is about
};

__device__ int thread_number() { return static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x); }

__global__ void barrier_forgotten(FaultParams p) {
  RFM_SHARED(int, tile, kThreads);
  tile[threadIdx.x] = 0;
  __syncthreads();
  tile[threadIdx.x] = 1;
  if (!p.faulty) __syncthreads();
  p.out[thread_number()] = tile[(threadIdx.x + 32) % kThreads];
}

__global__ void syncwarp_forgotten(FaultParams p) {
  RFM_SHARED(int, tile, kThreads);
  tile[threadIdx.x] = 0;
  __syncwarp();
  tile[threadIdx.x] = 1;
  if (!p.faulty) __syncwarp();
  p.out[thread_number()] = tile[threadIdx.x ^ 1];
}

__global__ void shuffle_taken_for_syncwarp(FaultParams p) {
  RFM_SHARED(int, tile, kThreads);
  tile[threadIdx.x] = 0;
  __syncwarp();
  tile[threadIdx.x] = 1;
  const int one = __shfl_xor_sync(kFullWarp, 1, 1);
  if (!p.faulty) __syncwarp();
  p.out[thread_number()] = one + tile[threadIdx.x ^ 1];
}

__global__ void syncwarp_of_other_lanes(FaultParams p) {
  RFM_SHARED(int, tile, kThreads);
  tile[threadIdx.x] = 0;
  __syncwarp();
  tile[threadIdx.x] = 1;
  __any_sync(kFullWarp, 1);  // orders no memory, but here all have written before any goes on
  __syncwarp(threadIdx.x % 32 < 16 ? 0xffffu : 0xffff0000u);
  p.out[thread_number()] = tile[threadIdx.x ^ (p.faulty ? 16 : 1)];
}

__global__ void read_before_overwriting(FaultParams p) {
  RFM_SHARED(int, tile, 2);
  if (threadIdx.x % 32 == 0) tile[threadIdx.x / 32] = 1;
  __syncwarp();
  p.out[thread_number()] = tile[threadIdx.x / 32];
  if (!p.faulty) __syncwarp();
  if (threadIdx.x % 32 == 0) tile[threadIdx.x / 32] = 2;
}

__global__ void two_writers(FaultParams p) {
  RFM_SHARED(int, tile, kThreads);
  tile[p.faulty ? threadIdx.x / 2 : threadIdx.x] = 1;
}

__global__ void plain_write_beside_atomics(FaultParams p) {
  RFM_SHARED(int, sum, 1);
  if (threadIdx.x == 0) sum[0] = 0;
  __syncthreads();
  if (p.faulty && threadIdx.x == 5) {
    sum[0] = 7;
  } else {
    atomicAdd(&sum[0], 1);
  }
}

__global__ void shared_unwritten(FaultParams p) {
  RFM_SHARED(int, tile, kThreads);
  if (!p.faulty || threadIdx.x != 40) tile[threadIdx.x] = 1;
  p.out[thread_number()] = tile[threadIdx.x];
}

__global__ void shared_left_by_another_block(FaultParams p) {
  RFM_SHARED(int, tile, kThreads);
  if (!p.faulty || blockIdx.x == 0) tile[threadIdx.x] = 1;
  p.out[thread_number()] = tile[threadIdx.x];
}

__global__ void shared_past_end(FaultParams p) {
  RFM_SHARED(int, tile, kThreads);
  tile[threadIdx.x + (p.faulty ? 1 : 0)] = 1;
}

__global__ void shared_before_start(FaultParams p) {
  RFM_SHARED(int, tile, kThreads);
  const Shared<int> inner = tile + 8;
  inner[static_cast<int>(threadIdx.x) - (p.faulty ? 9 : 8)] = 1;
}

__global__ void dynamic_shared_past_end(FaultParams p) {
  RFM_DYNAMIC_SHARED_AT(int, tile, 16);
  tile[threadIdx.x + (p.faulty ? 1 : 0)] = 1;
}

__global__ void dynamic_shared_misplaced(FaultParams p) {
  RFM_DYNAMIC_SHARED_AT(float4, tile, p.faulty ? 8 : 16);
  if (threadIdx.x == 0) tile[0] = make_float4(1, 2, 3, 4);
}

__global__ void static_shared_too_large(FaultParams p) {
  RFM_SHARED(float4, tile, 3072);
  tile[threadIdx.x] = make_float4(1, 2, 3, 4);
  if (!p.faulty) return;
  RFM_SHARED(int, one_more, 1);
  if (threadIdx.x == 0) one_more[0] = 1;
}

__global__ void shuffle_from_returned_lane(FaultParams p) {
  if (p.faulty && threadIdx.x == 33) return;
  p.out[thread_number()] = __shfl_xor_sync(kFullWarp, 1, 1);
}

__global__ void shuffle_from_lane_outside_mask(FaultParams p) {
  if (threadIdx.x % 2 == 1) return;
  p.out[thread_number()] = __shfl_sync(0x55555555u, 1, p.faulty ? 3 : 4);
}

__global__ void mask_without_own_lane(FaultParams p) {
  p.out[thread_number()] = static_cast<int>(__ballot_sync(p.faulty ? 0x7fffffffu : kFullWarp, 1));
}

__global__ void masks_that_differ(FaultParams p) {
  const bool low = threadIdx.x % 32 < 16;
  const unsigned own = low ? 0xffffu : 0xffff0000u;
  p.out[thread_number()] = __any_sync(p.faulty && low ? kFullWarp : own, 1);
  __syncwarp();
}

__global__ void vote_against_shuffle(FaultParams p) {
  int result;
  if (p.faulty && threadIdx.x % 32 < 8) {
    result = __all_sync(kFullWarp, 1);
  } else {
    result = __shfl_sync(kFullWarp, 1, static_cast<int>(threadIdx.x % 32));
  }
  p.out[thread_number()] = result;
}

__global__ void barrier_in_two_branches(FaultParams p) {
  if (p.faulty && threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}

__global__ void barrier_against_syncwarp(FaultParams p) {
  if (p.faulty && threadIdx.x == 3) __syncthreads();
  __syncwarp();
}

__global__ void spin_on_atomic(FaultParams p) {
  if (threadIdx.x != 0 || blockIdx.x != 0 || !p.faulty) return;
  while (atomicCAS(p.total, 1u, 2u) != 1u) {
  }
}

__global__ void throws(FaultParams p) {
  if (p.faulty && threadIdx.x == 9) throw std::runtime_error("a check of the mathematics");
}

__global__ void global_past_end(FaultParams p) { p.other[thread_number() + (p.faulty ? 1 : 0)] = 1; }
__global__ void global_before_start(FaultParams p) { p.other[thread_number() - (p.faulty ? 1 : 0)] = 1; }

__global__ void global_read(FaultParams p) {
  p.out[thread_number()] = p.other[thread_number() + (p.faulty ? 1 : 0)];
}

__global__ void atomic_past_end(FaultParams p) {
  atomicAdd(p.other + thread_number() + (p.faulty ? 1 : 0), 1);
}

__global__ void global_unwritten(FaultParams p) {
  if (!p.faulty || thread_number() != 70) p.other[thread_number()] = 1;
  p.out[thread_number()] = p.other[thread_number()];
}

__global__ void plain_read(FaultParams p) { p.out[thread_number()] = p.other[thread_number()]; }

__global__ void global_two_writers(FaultParams p) {
  p.other[p.faulty ? thread_number() / 2 : thread_number()] = 1;
}

__global__ void global_two_blocks(FaultParams p) { p.other[p.faulty ? threadIdx.x : thread_number()] = 1; }

__global__ void global_barrier_forgotten(FaultParams p) {
  p.other[thread_number()] = 0;
  __syncthreads();
  p.other[thread_number()] = 1;
  if (!p.faulty) __syncthreads();
  p.out[thread_number()] = p.other[blockIdx.x * kThreads + (threadIdx.x + 32) % kThreads];
}

__global__ void global_plain_write_beside_atomics(FaultParams p) {
  if (p.faulty && threadIdx.x == 5) {
    *p.total = 7;
  } else {
    atomicAdd(p.total, 1u);
  }
}

__global__ void plain_stores(FaultParams p) { plain_store(p.other + thread_number()); }

struct ReadParams {
  const float* floats;
  const int* ints;
  float* float_out;
  int* int_out;
};

__global__ void read_one(ReadParams p) {
  if (p.floats != nullptr) *p.float_out = *p.floats;
  if (p.ints != nullptr) *p.int_out = *p.ints;
}

Kernel<FaultParams> kernel_of(Fault fault) {
  switch (fault) {
    case Fault::kBarrierForgotten: return RFM_KERNEL(barrier_forgotten);
    case Fault::kSyncwarpForgotten: return RFM_KERNEL(syncwarp_forgotten);
    case Fault::kShuffleTakenForSyncwarp: return RFM_KERNEL(shuffle_taken_for_syncwarp);
    case Fault::kSyncwarpOfOtherLanes: return RFM_KERNEL(syncwarp_of_other_lanes);
    case Fault::kReadBeforeOverwriting: return RFM_KERNEL(read_before_overwriting);
    case Fault::kTwoWriters: return RFM_KERNEL(two_writers);
    case Fault::kPlainWriteBesideAtomics: return RFM_KERNEL(plain_write_beside_atomics);
    case Fault::kSharedUnwritten: return RFM_KERNEL(shared_unwritten);
    case Fault::kSharedLeftByAnotherBlock: return RFM_KERNEL(shared_left_by_another_block);
    case Fault::kSharedPastEnd: return RFM_KERNEL(shared_past_end);
    case Fault::kSharedBeforeStart: return RFM_KERNEL(shared_before_start);
    case Fault::kDynamicSharedPastEnd: return RFM_KERNEL(dynamic_shared_past_end);
    case Fault::kDynamicSharedMisplaced: return RFM_KERNEL(dynamic_shared_misplaced);
    case Fault::kStaticSharedTooLarge: return RFM_KERNEL(static_shared_too_large);
    case Fault::kShuffleFromReturnedLane: return RFM_KERNEL(shuffle_from_returned_lane);
    case Fault::kShuffleFromLaneOutsideMask: return RFM_KERNEL(shuffle_from_lane_outside_mask);
    case Fault::kMaskWithoutOwnLane: return RFM_KERNEL(mask_without_own_lane);
    case Fault::kMasksThatDiffer: return RFM_KERNEL(masks_that_differ);
    case Fault::kVoteAgainstShuffle: return RFM_KERNEL(vote_against_shuffle);
    case Fault::kBarrierInTwoBranches: return RFM_KERNEL(barrier_in_two_branches);
    case Fault::kBarrierAgainstSyncwarp: return RFM_KERNEL(barrier_against_syncwarp);
    case Fault::kSpinOnAtomic: return RFM_KERNEL(spin_on_atomic);
    case Fault::kThrow: return RFM_KERNEL(throws);
    case Fault::kGlobalPastEnd: return RFM_KERNEL(global_past_end);
    case Fault::kGlobalBeforeStart: return RFM_KERNEL(global_before_start);
    case Fault::kGlobalReadPastEnd: return RFM_KERNEL(global_read);
    case Fault::kAtomicPastEnd: return RFM_KERNEL(atomic_past_end);
    case Fault::kGlobalUnwritten: return RFM_KERNEL(global_unwritten);
    case Fault::kGlobalReleased: return RFM_KERNEL(plain_read);
    case Fault::kGlobalTwoWriters: return RFM_KERNEL(global_two_writers);
    case Fault::kGlobalTwoBlocks: return RFM_KERNEL(global_two_blocks);
    case Fault::kGlobalBarrierForgotten: return RFM_KERNEL(global_barrier_forgotten);
    case Fault::kGlobalPlainWriteBesideAtomics: return RFM_KERNEL(global_plain_write_beside_atomics);
  }
  throw std::runtime_error("no such fault");
}

}  // namespace

void run_faulty(Fault fault, bool with_fault) {
  DeviceBuffer<int> out(kCount, "out");
  DeviceBuffer<unsigned> total(std::vector<unsigned>{0}, "total");
  auto other = std::make_unique<DeviceBuffer<int>>(kCount, "other");
  if (fault == Fault::kGlobalReadPastEnd || fault == Fault::kAtomicPastEnd ||
      fault == Fault::kGlobalReleased) {
    other->upload(std::vector<int>(kCount, 0));
  }
  const FaultParams params{with_fault, out.data(), total.data(), other->data()};
  if (fault == Fault::kGlobalReleased && with_fault) other.reset();
  const std::size_t dynamic_bytes = fault == Fault::kDynamicSharedPastEnd ? 16 + kThreads * sizeof(int) : 64;
  launch(kernel_of(fault), dim3(kBlocks), dim3(kThreads), dynamic_bytes, nullptr, params);
}

void store_behind_the_emulators_back(int offset) {
  DeviceBuffer<int> other(kCount, "other");
  launch(RFM_KERNEL(plain_stores), dim3(kBlocks), dim3(kThreads), 0, nullptr,
         FaultParams{false, nullptr, nullptr, other.data() + offset});
}

float unwritten_float() {
  const DeviceBuffer<float> in(1, "in");
  DeviceBuffer<float> out(1, "out");
  launch(RFM_KERNEL(read_one), dim3(1), dim3(1), 0, nullptr,
         ReadParams{in.data(), nullptr, out.data(), nullptr});
  return out.download()[0];
}

int unwritten_int() {
  const DeviceBuffer<int> in(1, "in");
  DeviceBuffer<int> out(1, "out");
  launch(RFM_KERNEL(read_one), dim3(1), dim3(1), 0, nullptr,
         ReadParams{nullptr, in.data(), nullptr, out.data()});
  return out.download()[0];
}

}  // namespace renderfm::cuda::test
