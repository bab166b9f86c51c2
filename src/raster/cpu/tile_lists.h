// Which splats touch which tile, front to back.
#pragma once

#include <cstdint>

#include "raster/cpu/depth_order.h"
#include "raster/cpu/scratch.h"
#include "renderfm/raster/raster_params.h"

namespace renderfm::raster::cpu {

struct TileRect {
  std::uint16_t x_begin, y_begin, x_end, y_end;  ///< half-open, in tiles
};

/// Tile t = y * tiles_across + x holds entries[first[t], first[t + 1]).
struct TileLists {
  int tiles_across = 0, tiles_down = 0;
  const std::uint32_t* entries = nullptr;  ///< rows of the splat records
  const std::int64_t* first = nullptr;     ///< [tiles_across * tiles_down + 1]
  std::int64_t entry_count = 0;
};

struct TileScratch {
  Scratch<TileRect> rects;
  Scratch<std::int64_t> cursor, first;
  Scratch<std::uint32_t> entries;
};

/// Counts, sums up and fills by block of the depth order: no atomics, so the order in a tile is the depth
/// order.
TileLists make_tile_lists(const SplatRecord* records, const KeyedRow* order, std::int64_t count, int width,
                          int height, TileScratch& scratch);

}  // namespace renderfm::raster::cpu
