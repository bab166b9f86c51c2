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

/// Entries of `histogram` that sorting `count` items takes.
std::int64_t sort_histogram_count(std::int64_t count);

/// Sorts items[0, count) by key; equal keys keep their order. A stable sort has one result, whatever the
/// threads. Returns where the sorted items lie: `items` or scratch.
const KeyedRow* sort_by_key(KeyedRow* items, std::int64_t count, SortScratch& scratch);

}  // namespace renderfm::raster::cpu
