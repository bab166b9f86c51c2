// What the stages of one view hand to each other, and what its backward pass keeps of it.
#pragma once

#include <cstdint>
#include <vector>

#include "raster/cpu/depth_order.h"
#include "raster/cpu/kernels.h"
#include "raster/cpu/scratch.h"
#include "raster/cpu/tile_lists.h"

namespace renderfm::raster::cpu {

template <class S>
struct ViewBuffers {
  Scratch<SplatRecord<S>> records;  ///< [N]; a chunk's drawable ones lie at its start
  std::vector<ChunkSummary<S>> chunks;
  std::vector<std::int64_t> chunk_first_slot;  ///< [chunks] of the view's (Gaussian, tile) pairs
  std::int64_t drawable = 0, entry_count = 0;

  Scratch<std::int64_t> first_of_tile;
  Scratch<std::uint32_t> entries;
  TileLists lists;

  std::vector<std::int64_t> processed;  ///< [tiles]
  Scratch<S> transmittance;             ///< [H, W], only for a backward pass
  Scratch<std::uint32_t> stop;          ///< [H, W], only for a backward pass

  std::int64_t bytes() const {
    return records.bytes() + first_of_tile.bytes() + entries.bytes() + transmittance.bytes() + stop.bytes() +
           static_cast<std::int64_t>(chunks.capacity() * sizeof(ChunkSummary<S>) +
                                     (chunk_first_slot.capacity() + processed.capacity()) *
                                         sizeof(std::int64_t));
  }
};

/// What ordering one view needs and the next one needs again.
struct OrderScratch {
  Scratch<KeyedRow> keys;
  SortScratch sort;
  TileScratch tiles;

  std::int64_t bytes() const {
    return keys.bytes() + sort.other.bytes() + sort.histogram.bytes() + tiles.rects.bytes() +
           tiles.cursor.bytes();
  }
};

/// Gradients of one view's entries: each has a place of its own, which a link finds from the Gaussian's side.
template <class S>
struct EntryGradients {
  Scratch<SplatGradient<S>> values;         ///< [processed], tile by tile
  Scratch<std::uint32_t> links;             ///< [entries], Gaussian by Gaussian: 0, or 1 + a row of `values`
  std::vector<std::int64_t> first_of_tile;  ///< [tiles]

  std::int64_t bytes() const {
    return values.bytes() + links.bytes() +
           static_cast<std::int64_t>(first_of_tile.capacity() * sizeof(std::int64_t));
  }
};

}  // namespace renderfm::raster::cpu
