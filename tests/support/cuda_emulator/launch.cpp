#include "support/cuda_emulator/launch.h"

#include <cstring>
#include <mutex>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "support/cuda_emulator/block.h"
#include "support/cuda_emulator/device_memory.h"

namespace renderfm::cuda::emulator {
namespace {

constexpr std::size_t kMostDynamicSharedBytes = 227 * 1024;

std::uint64_t seed = 1;
std::mutex one_at_a_time;

std::string text(dim3 size) {
  return std::to_string(size.x) + "x" + std::to_string(size.y) + "x" + std::to_string(size.z);
}

// CUDA's limits, of compute capability 8.9 and 9.0 alike but for dynamic shared memory, which has the wider
// one.
void check_sizes(const LaunchSpec& spec) {
  const dim3 grid = spec.grid, block = spec.block;
  const std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
  const bool block_fits = threads >= 1 && threads <= 1024 && block.z <= 64;
  const bool grid_fits = grid.x >= 1 && grid.y >= 1 && grid.z >= 1 && grid.x <= 0x7fffffffu &&
                         grid.y <= 65535 && grid.z <= 65535;
  if (block_fits && grid_fits && spec.dynamic_shared_bytes <= kMostDynamicSharedBytes) return;
  throw CudaError(std::string("launching ") + spec.kernel + " on a grid of " + text(grid) + " blocks of " +
                  text(block) + " threads with " + std::to_string(spec.dynamic_shared_bytes) +
                  " bytes of dynamic shared memory failed: invalid configuration argument");
}

}  // namespace

void set_seed(std::uint64_t new_seed) { seed = new_seed; }

void run_threads(const LaunchSpec& spec, void (*thread)(const void*), const void* argument) {
  check_sizes(spec);
  const std::lock_guard<std::mutex> lock(one_at_a_time);
  static Block block;
  block.begin_launch(spec, thread, argument, seed);
  const std::uint64_t count = std::uint64_t{spec.grid.x} * spec.grid.y * spec.grid.z;
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  Random random(seed);
  for (std::uint32_t i = static_cast<std::uint32_t>(count); i > 1; --i)
    std::swap(order[i - 1], order[random.below(i)]);
  for (const std::uint32_t linear : order) {
    const std::uint32_t row = linear / spec.grid.x;
    block.run({linear % spec.grid.x, row % spec.grid.y, row / spec.grid.y}, linear);
  }
  check_guards(spec.kernel);
}

void memset_async(void* pointer, int value, std::size_t bytes, Stream) {
  host_write(pointer, bytes);
  if (bytes > 0) std::memset(pointer, value, bytes);
}

void copy_async(void* to, const void* from, std::size_t bytes, Stream) {
  host_read(from, bytes);
  host_write(to, bytes);
  if (bytes > 0) std::memcpy(to, from, bytes);
}

void synchronize(Stream) {}

}  // namespace renderfm::cuda::emulator
