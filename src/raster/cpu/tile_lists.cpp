#include "raster/cpu/tile_lists.h"

#include <algorithm>
#include <utility>

#include "renderfm/core/parallel.h"
#include "renderfm/raster/constants.h"

namespace renderfm::raster::cpu {
namespace {

constexpr std::int64_t kMinSplatsPerBlock = 1 << 13;
constexpr std::int64_t kMaxBlocks = 64;  // bounds the count table: blocks x tiles

TileRect tile_rect(const SplatRecord& splat) {
  const auto up = [](std::int32_t pixel) {
    return static_cast<std::uint16_t>((pixel + kTileSize - 1) / kTileSize);
  };
  const auto down = [](std::int32_t pixel) { return static_cast<std::uint16_t>(pixel / kTileSize); };
  return {down(splat.x_begin), down(splat.y_begin), up(splat.x_end), up(splat.y_end)};
}

template <class Visit>
void for_each_tile(TileRect rect, int tiles_across, const Visit& visit) {
  for (std::int64_t y = rect.y_begin; y < rect.y_end; ++y) {
    for (std::int64_t x = rect.x_begin; x < rect.x_end; ++x) visit(y * tiles_across + x);
  }
}

}  // namespace

TileLists make_tile_lists(const SplatRecord* records, const KeyedRow* order, std::int64_t count, int width,
                          int height, TileScratch& scratch) {
  TileLists lists;
  lists.tiles_across = (width + kTileSize - 1) / kTileSize;
  lists.tiles_down = (height + kTileSize - 1) / kTileSize;
  const std::int64_t tiles = static_cast<std::int64_t>(lists.tiles_across) * lists.tiles_down;
  const std::int64_t per_block = std::max(kMinSplatsPerBlock, (count + kMaxBlocks - 1) / kMaxBlocks);
  const std::int64_t blocks = (count + per_block - 1) / per_block;

  // Sorted by depth, the rectangles are read in order by the second pass.
  TileRect* const rects = scratch.rects.reserve(count);
  std::int64_t* const cursor = scratch.cursor.reserve(std::max<std::int64_t>(1, blocks * tiles));
  parallel_for(0, count, per_block, [&](std::int64_t begin, std::int64_t end) {
    std::int64_t* const own = cursor + begin / per_block * tiles;
    std::fill_n(own, tiles, 0);
    for (std::int64_t i = begin; i < end; ++i) {
      constexpr std::int64_t kAhead = 16;
      if (i + kAhead < end) __builtin_prefetch(&records[order[i + kAhead].row]);
      rects[i] = tile_rect(records[order[i].row]);
      for_each_tile(rects[i], lists.tiles_across, [&](std::int64_t tile) { ++own[tile]; });
    }
  });

  std::int64_t* const first = scratch.first.reserve(tiles + 1);
  std::int64_t next = 0;
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    first[tile] = next;
    for (std::int64_t block = 0; block < blocks; ++block)
      next += std::exchange(cursor[block * tiles + tile], next);
  }
  first[tiles] = next;

  std::uint32_t* const entries = scratch.entries.reserve(next);
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

}  // namespace renderfm::raster::cpu
