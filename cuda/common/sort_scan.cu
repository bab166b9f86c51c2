// sort_scan.h by CUB. The only file that includes it: compiling it takes longer than all our kernels.
#include "common/sort_scan.h"

#include <thrust/iterator/transform_iterator.h>

#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_scan.cuh>
#include <string>

#include "common/launch.cuh"

namespace renderfm::cuda {
namespace {

// The sum is taken in the type of the input, so 32-bit counts are widened on the way in.
struct Widen {
  __host__ __device__ std::uint64_t operator()(std::uint32_t count) const { return count; }
};

cudaError_t scan(void* scratch, std::size_t& bytes, const std::uint32_t* counts, std::uint64_t* sums,
                 std::int64_t count, Stream stream) {
  return cub::DeviceScan::InclusiveSum(scratch, bytes, thrust::make_transform_iterator(counts, Widen{}), sums,
                                       count, stream);
}

cudaError_t scan(void* scratch, std::size_t& bytes, const std::uint64_t* counts, std::uint64_t* sums,
                 std::int64_t count, Stream stream) {
  return cub::DeviceScan::InclusiveSum(scratch, bytes, counts, sums, count, stream);
}

template <class Count>
void scan_into(const Count* counts, std::uint64_t* offsets, std::int64_t count, void* scratch,
               std::size_t scratch_bytes, Stream stream) {
  memset_async(offsets, 0, sizeof(*offsets), stream);
  if (count == 0) return;
  check(scan(scratch, scratch_bytes, counts, offsets + 1, count, stream),
        "summing " + std::to_string(count) + " counts");
}

}  // namespace

std::size_t sort_pairs_scratch_bytes(std::int64_t count, KeyBits bits) {
  std::size_t bytes = 0;
  cub::DoubleBuffer<std::uint32_t> keys, values;
  check(cub::DeviceRadixSort::SortPairs(nullptr, bytes, keys, values, count, bits.begin, bits.end),
        "sizing a sort of " + std::to_string(count) + " pairs");
  return bytes;
}

void sort_pairs(SortBuffers& buffers, std::int64_t count, KeyBits bits, void* scratch,
                std::size_t scratch_bytes, Stream stream) {
  if (count == 0) return;
  cub::DoubleBuffer<std::uint32_t> keys(buffers.keys, buffers.spare_keys);
  cub::DoubleBuffer<std::uint32_t> values(buffers.values, buffers.spare_values);
  check(cub::DeviceRadixSort::SortPairs(scratch, scratch_bytes, keys, values, count, bits.begin, bits.end,
                                        stream),
        "sorting " + std::to_string(count) + " pairs");
  buffers = {keys.Current(), values.Current(), keys.Alternate(), values.Alternate()};
}

std::size_t exclusive_scan_scratch_bytes(std::int64_t count) {
  std::size_t narrow = 0, wide = 0;
  const std::string what = "sizing a sum of " + std::to_string(count) + " counts";
  check(scan(nullptr, narrow, static_cast<const std::uint32_t*>(nullptr), nullptr, count, nullptr), what);
  check(scan(nullptr, wide, static_cast<const std::uint64_t*>(nullptr), nullptr, count, nullptr), what);
  return narrow > wide ? narrow : wide;
}

void exclusive_scan(const std::uint32_t* counts, std::uint64_t* offsets, std::int64_t count, void* scratch,
                    std::size_t scratch_bytes, Stream stream) {
  scan_into(counts, offsets, count, scratch, scratch_bytes, stream);
}

void exclusive_scan(const std::uint64_t* counts, std::uint64_t* offsets, std::int64_t count, void* scratch,
                    std::size_t scratch_bytes, Stream stream) {
  scan_into(counts, offsets, count, scratch, scratch_bytes, stream);
}

}  // namespace renderfm::cuda
