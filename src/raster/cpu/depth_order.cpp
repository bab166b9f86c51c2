#include "raster/cpu/depth_order.h"

#include <algorithm>
#include <utility>

#include "renderfm/core/parallel.h"

namespace renderfm::raster::cpu {
namespace {

constexpr int kDigitBits = 8;
constexpr int kKeyBits = 24;
constexpr std::int64_t kDigits = 1 << kDigitBits;
constexpr std::int64_t kItemsPerBlock = 1 << 15;

// One pass over one digit: count by block, prefix over (digit, block), move.
void sort_digit(const KeyedRow* from, KeyedRow* to, std::int64_t count, int shift, std::int64_t* histogram) {
  const std::int64_t blocks = (count + kItemsPerBlock - 1) / kItemsPerBlock;
  std::fill_n(histogram, blocks * kDigits, 0);
  const auto digit = [shift](KeyedRow item) { return (item.key >> shift) & (kDigits - 1); };
  parallel_for(0, count, kItemsPerBlock, [&](std::int64_t begin, std::int64_t end) {
    std::int64_t* const own = histogram + begin / kItemsPerBlock * kDigits;
    for (std::int64_t i = begin; i < end; ++i) ++own[digit(from[i])];
  });
  std::int64_t next = 0;
  for (std::int64_t d = 0; d < kDigits; ++d) {
    for (std::int64_t block = 0; block < blocks; ++block) {
      next += std::exchange(histogram[block * kDigits + d], next);
    }
  }
  parallel_for(0, count, kItemsPerBlock, [&](std::int64_t begin, std::int64_t end) {
    std::int64_t* const own = histogram + begin / kItemsPerBlock * kDigits;
    for (std::int64_t i = begin; i < end; ++i) to[own[digit(from[i])]++] = from[i];
  });
}

}  // namespace

std::int64_t sort_histogram_count(std::int64_t count) {
  return count <= 1 ? 0 : (count + kItemsPerBlock - 1) / kItemsPerBlock * kDigits;
}

const KeyedRow* sort_by_key(KeyedRow* items, std::int64_t count, SortScratch& scratch) {
  if (count <= 1) return items;
  KeyedRow* from = items;
  KeyedRow* to = scratch.other.reserve(count);
  std::int64_t* const histogram = scratch.histogram.reserve(sort_histogram_count(count));
  for (int shift = 0; shift < kKeyBits; shift += kDigitBits) {
    sort_digit(from, to, count, shift, histogram);
    std::swap(from, to);
  }
  return from;
}

}  // namespace renderfm::raster::cpu
