// The emulator's sort and sum: what cuda/common/sort_scan.h promises, and nothing it does not.
#include "common/sort_scan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "common/cuda_error.h"
#include "support/cuda_emulator/device_memory.h"

namespace renderfm::cuda {
namespace {

using emulator::DeviceBuffer;
using Words = std::vector<std::uint32_t>;

struct Sorted {
  Words keys, values;
  bool swapped;
};

Sorted sorted(const Words& keys, KeyBits bits) {
  Words numbers(keys.size());
  std::iota(numbers.begin(), numbers.end(), 0u);
  DeviceBuffer<std::uint32_t> key_buffer(keys), value_buffer(numbers), spare_keys(keys.size()),
      spare_values(keys.size());
  SortBuffers buffers{key_buffer.data(), value_buffer.data(), spare_keys.data(), spare_values.data()};
  const auto count = static_cast<std::int64_t>(keys.size());
  const std::size_t bytes = sort_pairs_scratch_bytes(count, bits);
  DeviceBuffer<unsigned char> scratch(bytes);
  sort_pairs(buffers, count, bits, scratch.data(), bytes, nullptr);
  return {Words(buffers.keys, buffers.keys + keys.size()),
          Words(buffers.values, buffers.values + keys.size()), buffers.keys == spare_keys.data()};
}

TEST(CudaEmulatorSort, SortsByTheChosenBitsAndKeepsTheOrderOfEqualOnes) {
  const Words keys{0x305, 0x104, 0x205, 0x104, 0x001, 0xffffff05};
  EXPECT_EQ(sorted(keys, {0, 32}).values, (Words{4, 1, 3, 2, 0, 5}));
  EXPECT_EQ(sorted(keys, {0, 8}).values, (Words{4, 1, 3, 0, 2, 5}));
  EXPECT_EQ(sorted(keys, {8, 12}).values, (Words{4, 1, 3, 2, 0, 5}));
  EXPECT_EQ(sorted(keys, {0, 0}).keys, keys);
}

TEST(CudaEmulatorSort, LeavesTheResultWhereThePassesEnd) {
  EXPECT_FALSE(sorted({2, 1}, {0, 32}).swapped);
  EXPECT_TRUE(sorted({2, 1}, {0, 24}).swapped);
}

TEST(CudaEmulatorSort, RefusesMissingScratchAndBitsOutsideAKey) {
  DeviceBuffer<std::uint32_t> words(Words{1, 2, 3, 4});
  SortBuffers buffers{words.data(), words.data() + 1, words.data() + 2, words.data() + 3};
  EXPECT_THROW(sort_pairs(buffers, 1, {0, 32}, nullptr, 0, nullptr), CudaError);
  EXPECT_THROW(sort_pairs(buffers, 1, {0, 33}, nullptr, 0, nullptr), CudaError);
}

TEST(CudaEmulatorScan, SumsInSixtyFourBitsAndEndsWithTheTotal) {
  const Words counts{3, 0, 0xffffffff, 2};
  const std::vector<std::uint64_t> expected{0, 3, 3, 0x100000002, 0x100000004};
  const std::size_t bytes = exclusive_scan_scratch_bytes(4);
  DeviceBuffer<unsigned char> scratch(bytes);
  DeviceBuffer<std::uint64_t> offsets(5);
  exclusive_scan(DeviceBuffer<std::uint32_t>(counts).data(), offsets.data(), 4, scratch.data(), bytes,
                 nullptr);
  EXPECT_EQ(offsets.download(), expected);
  const std::vector<std::uint64_t> wide(counts.begin(), counts.end());
  DeviceBuffer<std::uint64_t> again(5);
  exclusive_scan(DeviceBuffer<std::uint64_t>(wide).data(), again.data(), 4, scratch.data(), bytes, nullptr);
  EXPECT_EQ(again.download(), expected);
}

}  // namespace
}  // namespace renderfm::cuda
