// The order in which tiles are worked off: the longest lists first, so that no thread is left with a heavy
// tile at the end.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace renderfm::raster::cpu {

struct TileTask {
  std::int64_t view, tile, length;
};

/// length(view, tile) = entries to walk.
template <class Length>
std::vector<TileTask> longest_first(std::int64_t views, std::int64_t tiles, const Length& length) {
  std::vector<TileTask> tasks;
  tasks.reserve(static_cast<std::size_t>(views * tiles));
  for (std::int64_t v = 0; v < views; ++v) {
    for (std::int64_t t = 0; t < tiles; ++t) tasks.push_back({v, t, length(v, t)});
  }
  std::stable_sort(tasks.begin(), tasks.end(),
                   [](const TileTask& a, const TileTask& b) { return a.length > b.length; });
  return tasks;
}

}  // namespace renderfm::raster::cpu
