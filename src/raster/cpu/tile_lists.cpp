#include "raster/cpu/tile_lists.h"

#include <algorithm>
#include <utility>

#include "renderfm/core/parallel.h"
#include "renderfm/raster/constants.h"

namespace renderfm::raster::cpu {
namespace {

constexpr std::int64_t kMinSplatsPerBlock = 1 << 13;
constexpr std::int64_t kMaxBlocks = 64;  // bounds the count table: blocks x tiles

std::int64_t splats_per_block(std::int64_t count) {
  return std::max(kMinSplatsPerBlock, (count + kMaxBlocks - 1) / kMaxBlocks);
}

template <class Visit>
void for_each_tile(TileRect rect, int tiles_across, const Visit& visit) {
  for (std::int64_t y = rect.y_begin; y < rect.y_end; ++y) {
    for (std::int64_t x = rect.x_begin; x < rect.x_end; ++x) visit(y * tiles_across + x);
  }
}

}  // namespace

std::int64_t tile_cursor_count(std::int64_t splat_count, int width, int height) {
  const std::int64_t per_block = splats_per_block(splat_count);
  const std::int64_t blocks = (splat_count + per_block - 1) / per_block;
  return std::max<std::int64_t>(1, blocks * tiles_over(width) * tiles_over(height));
}

template <class S>
TileLists make_tile_lists(const SplatRecord<S>* records, const KeyedRow* order, std::int64_t count, int width,
                          int height, TileScratch& scratch, Scratch<std::int64_t>& first_of_tile,
                          Scratch<std::uint32_t>& entry_rows) {
  TileLists lists;
  lists.tiles_across = tiles_over(width);
  lists.tiles_down = tiles_over(height);
  const std::int64_t tiles = static_cast<std::int64_t>(lists.tiles_across) * lists.tiles_down;
  const std::int64_t per_block = splats_per_block(count);
  const std::int64_t blocks = (count + per_block - 1) / per_block;

  // Sorted by depth, the rectangles are read in order by the second pass.
  TileRect* const rects = scratch.rects.reserve(count);
  std::int64_t* const cursor = scratch.cursor.reserve(tile_cursor_count(count, width, height));
  parallel_for(0, count, per_block, [&](std::int64_t begin, std::int64_t end) {
    std::int64_t* const own = cursor + begin / per_block * tiles;
    std::fill_n(own, tiles, 0);
    for (std::int64_t i = begin; i < end; ++i) {
      constexpr std::int64_t kAhead = 16;
      if (i + kAhead < end) __builtin_prefetch(&records[order[i + kAhead].row]);
      const SplatRecord<S>& splat = records[order[i].row];
      rects[i] = tile_rect(splat.x_begin, splat.y_begin, splat.x_end, splat.y_end);
      for_each_tile(rects[i], lists.tiles_across, [&](std::int64_t tile) { ++own[tile]; });
    }
  });

  std::int64_t* const first = first_of_tile.reserve(tiles + 1);
  std::int64_t next = 0;
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    first[tile] = next;
    for (std::int64_t block = 0; block < blocks; ++block)
      next += std::exchange(cursor[block * tiles + tile], next);
  }
  first[tiles] = next;

  std::uint32_t* const entries = entry_rows.reserve(next);
  parallel_for(0, count, per_block, [&](std::int64_t begin, std::int64_t end) {
    std::int64_t* const own = cursor + begin / per_block * tiles;
    for (std::int64_t i = begin; i < end; ++i) {
      for_each_tile(rects[i], lists.tiles_across,
                    [&](std::int64_t tile) { entries[own[tile]++] = order[i].row; });
    }
  });
  lists.entries = entries;
  lists.first = first;
  lists.entry_count = next;
  return lists;
}

template TileLists make_tile_lists(const SplatRecord<float>*, const KeyedRow*, std::int64_t, int, int,
                                   TileScratch&, Scratch<std::int64_t>&, Scratch<std::uint32_t>&);
template TileLists make_tile_lists(const SplatRecord<double>*, const KeyedRow*, std::int64_t, int, int,
                                   TileScratch&, Scratch<std::int64_t>&, Scratch<std::uint32_t>&);

}  // namespace renderfm::raster::cpu
