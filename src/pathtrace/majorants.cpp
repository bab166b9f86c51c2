#include "pathtrace/majorants.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "renderfm/core/parallel.h"

namespace renderfm::pathtrace {
namespace {

// The maximum of a table over any range of bins from two lookups: level l holds maxima of 2^l entries.
class RangeMaximum {
 public:
  explicit RangeMaximum(const float* table) {
    levels_[0].assign(table, table + kHuBins);
    for (std::size_t l = 1; l < levels_.size(); ++l) {
      const std::size_t half = std::size_t{1} << (l - 1);
      const std::vector<float>& below = levels_[l - 1];
      levels_[l].resize(kHuBins + 1 - 2 * half);
      for (std::size_t i = 0; i < levels_[l].size(); ++i) levels_[l][i] = std::max(below[i], below[i + half]);
    }
  }
  /// Over bins low to high, both included.
  float operator()(int low, int high) const {
    const auto count = static_cast<std::uint32_t>(high - low + 1);
    const auto level = static_cast<std::size_t>(std::bit_width(count) - 1);
    const std::vector<float>& maxima = levels_[level];
    return std::max(maxima[static_cast<std::size_t>(low)],
                    maxima[static_cast<std::size_t>(high + 1) - (std::size_t{1} << level)]);
  }

 private:
  std::array<std::vector<float>, 13> levels_;  // 2^12 bins
};

// Rounding of interpolated values must not pass the bound.
std::uint32_t cell_word(float sigma_t_per_mm) {
  if (!(sigma_t_per_mm > 0)) return 1;
  return std::max(std::bit_cast<std::uint32_t>(sigma_t_per_mm * 1.0001F + 1e-6F), 256U);
}

int cells_along(int voxels, int edge) { return (voxels + edge - 1) / edge; }

struct CellRange {
  int low[3], high[3];  // padded voxels of the trilinear support, both included; x, y, z
};

// Distance to the nearest cell that holds something, in the largest coordinate; two sweeps.
void set_distances(Majorants& grid) {
  const int nx = grid.nx, ny = grid.ny, nz = grid.nz;
  const auto at = [&](int x, int y, int z) -> std::uint32_t& {
    return grid.cells[static_cast<std::size_t>((static_cast<std::int64_t>(z) * ny + y) * nx + x)];
  };
  const auto sweep = [&](bool forward) {
    const int s = forward ? -1 : 1;
    for (int kk = 0; kk < nz; ++kk) {
      const int z = forward ? kk : nz - 1 - kk;
      for (int jj = 0; jj < ny; ++jj) {
        const int y = forward ? jj : ny - 1 - jj;
        for (int ii = 0; ii < nx; ++ii) {
          const int x = forward ? ii : nx - 1 - ii;
          std::uint32_t& cell = at(x, y, z);
          if (!is_empty_cell(cell)) continue;
          std::uint32_t nearest = cell;
          const auto look = [&](int dx, int dy, int dz) {
            const int i = x + dx, j = y + dy, k = z + dz;
            if (i < 0 || i >= nx || j < 0 || j >= ny || k < 0 || k >= nz) return;
            const std::uint32_t other = at(i, j, k);
            nearest = std::min(nearest, is_empty_cell(other) ? other + 1 : 1U);
          };
          for (int dy = -1; dy <= 1; ++dy) {
            for (int dx = -1; dx <= 1; ++dx) look(dx, dy, s);
          }
          for (int dx = -1; dx <= 1; ++dx) look(dx, s, 0);
          look(s, 0, 0);
          cell = nearest;
        }
      }
    }
  };
  for (std::uint32_t& cell : grid.cells) {
    if (is_empty_cell(cell)) cell = 255;
  }
  sweep(true);
  sweep(false);
}

template <class Bound>
Majorants build(int width, int height, int depth, int edge, bool skip_empty, const Bound& bound) {
  Majorants grid;
  grid.edge_voxels = edge;
  grid.size_voxels = {static_cast<float>(width), static_cast<float>(height), static_cast<float>(depth)};
  grid.nx = cells_along(width, edge);
  grid.ny = cells_along(height, edge);
  grid.nz = cells_along(depth, edge);
  grid.cells.resize(static_cast<std::size_t>(grid.nx) * static_cast<std::size_t>(grid.ny) *
                    static_cast<std::size_t>(grid.nz));
  const int size[3] = {width, height, depth};
  parallel_for(0, static_cast<std::int64_t>(grid.nz) * grid.ny, 8, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      for (int x = 0; x < grid.nx; ++x) {
        const int cell[3] = {x, static_cast<int>(row % grid.ny), static_cast<int>(row / grid.ny)};
        CellRange range{};
        for (int a = 0; a < 3; ++a) {
          range.low[a] = cell[a] * edge - 1 + kTablePad;
          range.high[a] = std::min(cell[a] * edge + edge, size[a]) + kTablePad;
        }
        grid.cells[static_cast<std::size_t>(row * grid.nx + x)] = cell_word(bound(range));
      }
    }
  });
  if (skip_empty) set_distances(grid);
  return grid;
}

}  // namespace

MajorantGrid Majorants::pointers() const {
  const float scale = 1.0F / static_cast<float>(edge_voxels);
  return {cells.data(), nx, ny, nz, scale, size_voxels * scale};
}

Majorants build_majorants(const MediumPointers& medium, int edge_voxels, bool skip_empty) {
  const bool dimmed = medium.gradient_factor != nullptr;
  std::vector<RangeMaximum> maxima;
  for (int c = 0; c < medium.classes; ++c) {
    maxima.emplace_back((dimmed ? medium.opacity : medium.sigma_t_per_mm) +
                        static_cast<std::int64_t>(c) * kHuBins);
  }
  const std::int64_t row = medium.width + 2 * kTablePad;
  const std::int64_t slice = row * (medium.height + 2 * kTablePad);
  const int scale = medium.class_scale;
  const std::int64_t cell_row = scale * medium.width + 2 * kTablePad;
  const std::int64_t cell_slice = cell_row * (scale * medium.height + 2 * kTablePad);
  // Classes of a voxel, as bits; a voxel of the border shows those of the outermost cells.
  const auto classes_of = [&](int x, int y, int z) {
    std::uint32_t bits = 0;
    const auto cell = [scale](int padded, int half, int size) {
      return std::clamp(scale * (padded - kTablePad) + half, -1, scale * size) + kTablePad;
    };
    for (int n = 0; n < scale * scale * scale; ++n) {
      const CellClasses classes =
          medium.cells[cell(z, n >> 2, medium.depth) * cell_slice +
                       cell(y, n >> 1 & 1, medium.height) * cell_row + cell(x, n & 1, medium.width)];
      bits |= 1U << classes.first() | 1U << classes.second();
    }
    return bits;
  };
  return build(medium.width, medium.height, medium.depth, edge_voxels, skip_empty, [&](const CellRange& r) {
    int low = 32767, high = -32768;
    std::uint32_t classes = 0;
    std::uint8_t factor = 0;
    for (int z = r.low[2]; z <= r.high[2]; ++z) {
      for (int y = r.low[1]; y <= r.high[1]; ++y) {
        for (int x = r.low[0]; x <= r.high[0]; ++x) {
          const std::int64_t at = z * slice + y * row + x;
          const VoxelRecord& voxel = medium.voxels[at];
          low = std::min<int>(low, voxel.hu);
          high = std::max<int>(high, voxel.hu);
          if (voxel.content == kSplitVoxel) {
            classes |= classes_of(x, y, z);
          } else if (voxel.content <= kClassMask) {
            classes |= 1U << voxel.content;
          }
          if (dimmed) factor = std::max(factor, medium.gradient_factor[at]);
        }
      }
    }
    float bound = 0;
    for (std::uint32_t rest = classes & ~1U; rest != 0; rest &= rest - 1) {
      const auto c = static_cast<std::size_t>(std::countr_zero(rest));
      bound = std::max(bound, maxima[c](low - kTableMinHu, high - kTableMinHu));
    }
    return dimmed && bound > 0 ? dimmed_extinction(bound, factor, medium.opacity_length_mm) : bound;
  });
}

Majorants build_majorants(const DensityPointers& density, int edge_voxels, bool skip_empty) {
  const std::int64_t row = density.width + 2 * kTablePad;
  const std::int64_t slice = row * (density.height + 2 * kTablePad);
  return build(density.width, density.height, density.depth, edge_voxels, skip_empty,
               [&](const CellRange& r) {
                 float bound = 0;
                 for (int z = r.low[2]; z <= r.high[2]; ++z) {
                   for (int y = r.low[1]; y <= r.high[1]; ++y) {
                     for (int x = r.low[0]; x <= r.high[0]; ++x) {
                       bound = std::max(bound, density.sigma_t_per_mm[z * slice + y * row + x]);
                     }
                   }
                 }
                 return bound;
               });
}

}  // namespace renderfm::pathtrace
