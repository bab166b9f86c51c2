// Sorting and summing on the device. sort_scan.cu is the only file that includes CUB; the tests' emulator has
// its own two functions. Plain C++, so that host code may include it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/stream.h"

namespace renderfm::cuda {

/// Keys with their values in device memory, and as much room again. A sort leaves the sorted arrays in `keys`
/// and `values`, swapped with the spare ones where it ended there.
struct SortBuffers {
  std::uint32_t* keys;          ///< [count]
  std::uint32_t* values;        ///< [count]
  std::uint32_t* spare_keys;    ///< [count], overwritten
  std::uint32_t* spare_values;  ///< [count], overwritten
};

/// Bits [begin, end) of a key decide, 0 <= begin <= end <= 32.
struct KeyBits {
  int begin = 0;
  int end = 32;
};

/// Bytes of scratch that sort_pairs wants for as many pairs.
std::size_t sort_pairs_scratch_bytes(std::int64_t count, KeyBits bits);

/// Sorts by ascending key; pairs of equal key bits keep their order.
void sort_pairs(SortBuffers& buffers, std::int64_t count, KeyBits bits, void* scratch,
                std::size_t scratch_bytes, Stream stream);

/// Bytes of scratch that exclusive_scan wants for as many counts.
std::size_t exclusive_scan_scratch_bytes(std::int64_t count);

/// offsets[i] = sum of counts[0 .. i), summed in 64 bits; offsets holds count + 1 numbers, the last the
/// total. The 64-bit counts may not overlap the offsets.
void exclusive_scan(const std::uint32_t* counts, std::uint64_t* offsets, std::int64_t count, void* scratch,
                    std::size_t scratch_bytes, Stream stream);
void exclusive_scan(const std::uint64_t* counts, std::uint64_t* offsets, std::int64_t count, void* scratch,
                    std::size_t scratch_bytes, Stream stream);

}  // namespace renderfm::cuda
