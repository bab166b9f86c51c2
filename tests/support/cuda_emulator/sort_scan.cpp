// cuda/common/sort_scan.h without a device. As strict as CUB may be: scratch must be there and is
// overwritten, the spare arrays are lost, and the sorted arrays are the spare ones after an odd number of
// passes.
#include "common/sort_scan.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "common/cuda_error.h"
#include "support/cuda_emulator/device_memory.h"

namespace renderfm::cuda {
namespace {

std::size_t scratch_bytes_for(std::int64_t count) { return 1024 + static_cast<std::size_t>(count) / 8; }

void use_scratch(void* scratch, std::size_t bytes, std::int64_t count) {
  const std::size_t wanted = scratch_bytes_for(count);
  if (scratch == nullptr || bytes < wanted) {
    throw CudaError(std::to_string(bytes) + " bytes of scratch where " + std::to_string(wanted) +
                    " are wanted");
  }
  emulator::make_unwritten(scratch, wanted);
}

template <class Count>
void scan(const Count* counts, std::uint64_t* offsets, std::int64_t count, void* scratch,
          std::size_t scratch_bytes) {
  use_scratch(scratch, scratch_bytes, count);
  emulator::host_read(counts, static_cast<std::size_t>(count) * sizeof(Count));
  emulator::host_write(offsets, static_cast<std::size_t>(count + 1) * sizeof(std::uint64_t));
  std::uint64_t sum = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    offsets[i] = sum;
    sum += counts[i];
  }
  offsets[count] = sum;
}

}  // namespace

std::size_t sort_pairs_scratch_bytes(std::int64_t count, KeyBits) { return scratch_bytes_for(count); }

void sort_pairs(SortBuffers& buffers, std::int64_t count, KeyBits bits, void* scratch,
                std::size_t scratch_bytes, Stream) {
  if (bits.begin < 0 || bits.begin > bits.end || bits.end > 32)
    throw CudaError("sorting by bits outside a key");
  if (count == 0) return;
  use_scratch(scratch, scratch_bytes, count);
  const auto size = static_cast<std::size_t>(count), bytes = size * sizeof(std::uint32_t);
  for (const std::uint32_t* array : {buffers.keys, buffers.values}) emulator::host_read(array, bytes);
  for (const std::uint32_t* array : {buffers.spare_keys, buffers.spare_values})
    emulator::host_write(array, bytes);

  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs(size);
  for (std::size_t i = 0; i < size; ++i) pairs[i] = {buffers.keys[i], buffers.values[i]};
  const auto width = static_cast<unsigned>(bits.end - bits.begin);
  const std::uint32_t mask = width == 32 ? 0xffffffffu : (1u << width) - 1u;
  const auto digits = [&](std::uint32_t key) { return width == 0 ? 0u : (key >> bits.begin) & mask; };
  std::stable_sort(pairs.begin(), pairs.end(),
                   [&](const auto& a, const auto& b) { return digits(a.first) < digits(b.first); });

  const unsigned passes = (width + 7) / 8;
  if (passes % 2 == 1) {
    std::swap(buffers.keys, buffers.spare_keys);
    std::swap(buffers.values, buffers.spare_values);
  }
  for (std::size_t i = 0; i < size; ++i) std::tie(buffers.keys[i], buffers.values[i]) = pairs[i];
  emulator::make_unwritten(buffers.spare_keys, bytes);
  emulator::make_unwritten(buffers.spare_values, bytes);
}

std::size_t exclusive_scan_scratch_bytes(std::int64_t count) { return scratch_bytes_for(count); }

void exclusive_scan(const std::uint32_t* counts, std::uint64_t* offsets, std::int64_t count, void* scratch,
                    std::size_t scratch_bytes, Stream) {
  scan(counts, offsets, count, scratch, scratch_bytes);
}

void exclusive_scan(const std::uint64_t* counts, std::uint64_t* offsets, std::int64_t count, void* scratch,
                    std::size_t scratch_bytes, Stream) {
  scan(counts, offsets, count, scratch, scratch_bytes);
}

}  // namespace renderfm::cuda
