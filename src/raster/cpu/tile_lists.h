// Which splats touch which tile, front to back.
#pragma once

#include <cstdint>

#include "raster/cpu/depth_order.h"
#include "raster/cpu/kernels.h"
#include "raster/cpu/scratch.h"

namespace renderfm::raster::cpu {

/// Tile t = y * tiles_across + x holds entries[first[t], first[t + 1]).
struct TileLists {
  int tiles_across = 0, tiles_down = 0;
  const std::uint32_t* entries = nullptr;  ///< rows of the splat records
  const std::int64_t* first = nullptr;     ///< [tiles_across * tiles_down + 1]
  std::int64_t entry_count = 0;
};

struct TileScratch {
  Scratch<TileRect> rects;
  Scratch<std::int64_t> cursor;
};

/// Entries of `cursor` that make_tile_lists needs.
std::int64_t tile_cursor_count(std::int64_t splat_count, int width, int height);

/// Counts, sums up and fills by block of the depth order: no atomics, so the order in a tile is the depth
/// order. `first` and `entries` keep the lists.
template <class S>
TileLists make_tile_lists(const SplatRecord<S>* records, const KeyedRow* order, std::int64_t count, int width,
                          int height, TileScratch& scratch, Scratch<std::int64_t>& first_of_tile,
                          Scratch<std::uint32_t>& entry_rows);

}  // namespace renderfm::raster::cpu
