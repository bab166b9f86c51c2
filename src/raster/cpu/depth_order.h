// Stable parallel radix sort of the drawable Gaussians by their 24-bit depth keys.
#pragma once

#include <cstdint>

#include "raster/cpu/scratch.h"

namespace renderfm::raster::cpu {

struct KeyedRow {
  std::uint32_t key;  ///< 24 bits
  std::uint32_t row;  ///< into the splat records
};

struct SortScratch {
  Scratch<KeyedRow> other;
  Scratch<std::int64_t> histogram;
};

/// Sorts items[0, count) by key; equal keys keep their order. A stable sort has one result, whatever the
/// threads. Returns where the sorted items lie: `items` or scratch.
const KeyedRow* sort_by_key(KeyedRow* items, std::int64_t count, SortScratch& scratch);

}  // namespace renderfm::raster::cpu
