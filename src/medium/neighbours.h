// The voxels around a voxel.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "renderfm/volume/volume.h"

namespace renderfm {

struct Neighbour {
  int dk, dj, di;
};

// The voxels within `radius` of one, nearest first.
inline std::vector<Neighbour> neighbours_by_distance(int radius) {
  std::vector<Neighbour> all;
  for (int dk = -radius; dk <= radius; ++dk) {
    for (int dj = -radius; dj <= radius; ++dj) {
      for (int di = -radius; di <= radius; ++di) {
        if (dk != 0 || dj != 0 || di != 0) all.push_back({dk, dj, di});
      }
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const Neighbour& a, const Neighbour& b) {
    return a.dk * a.dk + a.dj * a.dj + a.di * a.di < b.dk * b.dk + b.dj * b.dj + b.di * b.di;
  });
  return all;
}

// The first of `neighbours` of a voxel for which found(offset) holds, or -1.
template <class Found>
std::int64_t find_neighbour(const Geometry& grid, std::int64_t voxel,
                            const std::vector<Neighbour>& neighbours, Found found) {
  const std::int64_t i = voxel % grid.width(), j = voxel / grid.width() % grid.height(),
                     k = voxel / (grid.width() * grid.height());
  for (const Neighbour& n : neighbours) {
    const std::int64_t z = k + n.dk, y = j + n.dj, x = i + n.di;
    if (z < 0 || z >= grid.depth() || y < 0 || y >= grid.height() || x < 0 || x >= grid.width()) continue;
    if (const std::int64_t other = grid.offset(z, y, x); found(other)) return other;
  }
  return -1;
}

// visit(offset) for every one of `neighbours` of a voxel that lies in the grid.
template <class Visit>
void for_neighbours(const Geometry& grid, std::int64_t voxel, const std::vector<Neighbour>& neighbours,
                    Visit visit) {
  find_neighbour(grid, voxel, neighbours, [&](std::int64_t n) {
    visit(n);
    return false;
  });
}

}  // namespace renderfm
