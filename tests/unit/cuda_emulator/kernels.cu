#include "unit/cuda_emulator/kernels.h"

#include "common/launch.cuh"
#include "support/cuda_emulator/device_memory.h"

namespace renderfm::cuda::test {
namespace {

using emulator::DeviceBuffer;

template <class T>
struct InOut {
  const T* in;
  T* out;
  int count;
};

unsigned blocks_for(std::size_t threads, int block_threads) {
  return static_cast<unsigned>((threads + static_cast<std::size_t>(block_threads) - 1) /
                               static_cast<std::size_t>(block_threads));
}

__device__ float warp_sum(float value) {
  for (int step = kWarpSize / 2; step > 0; step /= 2) value += __shfl_down_sync(kFullWarp, value, step);
  return value;
}

__device__ float first_warp_sum(Shared<float> sums, int count) {
  return warp_sum(static_cast<int>(threadIdx.x) < count ? sums[threadIdx.x] : 0.0f);
}

__global__ void __launch_bounds__(1024) block_sums_kernel(InOut<float> p) {
  RFM_SHARED(float, sums, 32);
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const float sum = warp_sum(i < p.count ? p.in[i] : 0.0f);
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x >= 32) return;
  const float total = first_warp_sum(sums, static_cast<int>(blockDim.x / 32));
  if (threadIdx.x == 0) p.out[blockIdx.x] = total;
}

__global__ void warp_ranks_kernel(InOut<int> p) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= p.count) return;
  const unsigned below = (1u << (threadIdx.x % 32)) - 1u;
  const unsigned set = __ballot_sync(kFullWarp, p.in[i]);
  p.out[i] = p.in[i] != 0 ? __popc(set & below) : -1;
}

struct HistogramParams {
  const int* values;
  unsigned* counts;
  int count;
};

__global__ void histogram_kernel(HistogramParams p) {
  RFM_SHARED(unsigned, counts, 16);
  if (threadIdx.x < 16) counts[threadIdx.x] = 0;
  __syncthreads();
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < p.count) atomicAdd(&counts[p.values[i]], 1u);
  __syncthreads();
  if (threadIdx.x < 16) atomicAdd(&p.counts[threadIdx.x], counts[threadIdx.x]);
}

__global__ void linear_numbers_kernel(InOut<unsigned> p) {
  const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  const unsigned i = block * blockDim.x * blockDim.y * blockDim.z + thread;
  p.out[i] = i;
}

__global__ void reversed_kernel(InOut<float> p) {
  RFM_DYNAMIC_SHARED(float, values);
  RFM_DYNAMIC_SHARED_AT(int, places, blockDim.x * sizeof(float));
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  values[threadIdx.x] = p.in[i];
  places[threadIdx.x] = static_cast<int>(blockDim.x - 1 - threadIdx.x);
  __syncthreads();
  p.out[i] = values[places[threadIdx.x]];
}

__global__ void exchange_kernel(InOut<int> p) {
  RFM_SHARED(int2, tile, 64);
  const unsigned lane = threadIdx.x % 32, base = threadIdx.x - lane;
  const int i = static_cast<int>(blockIdx.x * 64 + threadIdx.x);
  int sum = p.in[i];
  for (unsigned step = 1; step < 32; step *= 2) {
    tile[threadIdx.x] = make_int2(sum, 0);
    __syncwarp();
    const int2 other = tile[base + (lane ^ step)];
    sum += other.x;
    __syncwarp();
  }
  p.out[i] = sum;
}

__global__ void warp_functions_kernel(InOut<int> p) {
  const int lane = static_cast<int>(threadIdx.x);
  int* out = p.out + lane * kWarpFunctions;
  out[0] = __shfl_sync(kFullWarp, lane, lane + 1, 8);
  out[1] = __shfl_up_sync(kFullWarp, lane, 2);
  out[2] = static_cast<int>(__shfl_down_sync(kFullWarp, static_cast<double>(lane), 3, 16));
  out[3] = static_cast<int>(__shfl_xor_sync(kFullWarp, static_cast<float>(lane), 5));
  out[4] = __any_sync(kFullWarp, lane == 7);
  out[5] = __all_sync(kFullWarp, lane < 31);
  out[6] = static_cast<int>(__match_any_sync(kFullWarp, lane / 4));
  out[7] = __reduce_add_sync(kFullWarp, lane);
  out[8] = __reduce_min_sync(kFullWarp, lane - 16);
  out[9] = static_cast<int>(__reduce_max_sync(kFullWarp, static_cast<unsigned>(lane)));
}

__global__ void block_votes_kernel(InOut<int> p) {
  const int yes = static_cast<int>(threadIdx.x) < p.count;
  const int all = __syncthreads_count(yes), any = __syncthreads_or(yes), every = __syncthreads_and(yes);
  if (threadIdx.x == 0) {
    p.out[0] = all;
    p.out[1] = any;
    p.out[2] = every;
  }
  if (threadIdx.x >= 48) return;
  const int half = __syncthreads_count(yes);
  if (threadIdx.x == 0) p.out[3] = half;
}

struct TicketParams {
  unsigned* next;
  unsigned* tickets;
};

__global__ void tickets_kernel(TicketParams p) {
  p.tickets[blockIdx.x * blockDim.x + threadIdx.x] = atomicAdd(p.next, 1u);
}

}  // namespace

std::vector<unsigned> tickets() {
  DeviceBuffer<unsigned> next(std::vector<unsigned>{0}, "next"), out(4 * 64, "tickets");
  launch(RFM_KERNEL(tickets_kernel), dim3(4), dim3(64), 0, nullptr, TicketParams{next.data(), out.data()});
  return out.download();
}

std::vector<float> block_sums(const std::vector<float>& values, int block_threads) {
  const DeviceBuffer<float> in(values, "values");
  DeviceBuffer<float> out(blocks_for(values.size(), block_threads), "sums");
  launch(RFM_KERNEL(block_sums_kernel), dim3(static_cast<unsigned>(out.size())),
         dim3(static_cast<unsigned>(block_threads)), 0, nullptr,
         InOut<float>{in.data(), out.data(), static_cast<int>(values.size())});
  return out.download();
}

std::vector<int> warp_ranks(const std::vector<int>& flags, int block_threads) {
  const DeviceBuffer<int> in(flags, "flags");
  DeviceBuffer<int> out(flags.size(), "ranks");
  launch(RFM_KERNEL(warp_ranks_kernel), dim3(blocks_for(flags.size(), block_threads)),
         dim3(static_cast<unsigned>(block_threads)), 0, nullptr,
         InOut<int>{in.data(), out.data(), static_cast<int>(flags.size())});
  return out.download();
}

std::vector<unsigned> histogram(const std::vector<int>& values, int block_threads) {
  const DeviceBuffer<int> in(values, "values");
  DeviceBuffer<unsigned> counts(16, "counts");
  memset_async(counts.data(), 0, counts.size() * sizeof(unsigned), nullptr);
  launch(RFM_KERNEL(histogram_kernel), dim3(blocks_for(values.size(), block_threads)),
         dim3(static_cast<unsigned>(block_threads)), 0, nullptr,
         HistogramParams{in.data(), counts.data(), static_cast<int>(values.size())});
  return counts.download();
}

std::vector<unsigned> linear_numbers() {
  DeviceBuffer<unsigned> out(12 * 24, "numbers");
  launch(RFM_KERNEL(linear_numbers_kernel), dim3(3, 2, 2), dim3(4, 3, 2), 0, nullptr,
         InOut<unsigned>{nullptr, out.data(), 0});
  return out.download();
}

std::vector<float> reversed_in_blocks(const std::vector<float>& values, int block_threads) {
  const DeviceBuffer<float> in(values, "values");
  DeviceBuffer<float> out(values.size(), "reversed");
  launch(RFM_KERNEL(reversed_kernel), dim3(blocks_for(values.size(), block_threads)),
         dim3(static_cast<unsigned>(block_threads)), static_cast<std::size_t>(block_threads) * 8, nullptr,
         InOut<float>{in.data(), out.data(), static_cast<int>(values.size())});
  return out.download();
}

std::vector<int> exchanged_in_warps(const std::vector<int>& values) {
  const DeviceBuffer<int> in(values, "values");
  DeviceBuffer<int> out(values.size(), "sums");
  launch(RFM_KERNEL(exchange_kernel), dim3(static_cast<unsigned>(values.size() / 64)), dim3(64), 0, nullptr,
         InOut<int>{in.data(), out.data(), static_cast<int>(values.size())});
  return out.download();
}

std::vector<int> warp_functions() {
  DeviceBuffer<int> out(32 * kWarpFunctions, "results");
  launch(RFM_KERNEL(warp_functions_kernel), dim3(1), dim3(32), 0, nullptr,
         InOut<int>{nullptr, out.data(), 0});
  return out.download();
}

std::vector<int> block_votes(int limit) {
  DeviceBuffer<int> out(4, "votes");
  launch(RFM_KERNEL(block_votes_kernel), dim3(1), dim3(96), 0, nullptr,
         InOut<int>{nullptr, out.data(), limit});
  return out.download();
}

}  // namespace renderfm::cuda::test
