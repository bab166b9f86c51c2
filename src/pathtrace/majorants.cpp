#include "pathtrace/majorants.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

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

// The padded voxels that a row of cells interpolates between, both ends included, and its first cell.
struct RowOfCells {
  std::int64_t low_y, high_y, low_z, high_z;
  CellCode* cells;
};

struct Range {
  std::int64_t low, high;
};

// Cell c reaches from the middle of voxel c edge - 1 to that of voxel (c + 1) edge - 1; the last may reach
// beyond the one voxel that follows the volume.
Range support(std::int64_t cell, std::int64_t edge, std::int64_t size) {
  return {cell * edge - 1 + kTablePad, std::min((cell + 1) * edge - 1, size) + kTablePad};
}

struct Cells {
  std::int64_t nx, ny, nz;
  std::vector<CellCode> codes;  // [nz, ny, nx]

  CellCode* row(std::int64_t y, std::int64_t z) { return codes.data() + (z * ny + y) * nx; }
};

// The distance of every empty cell to the nearest one that holds something, in the largest coordinate: two
// sweeps, each of which looks at the cells behind it.
void set_distances(Cells& cells) {
  const std::int64_t nx = cells.nx, ny = cells.ny, nz = cells.nz;
  const auto distance_of = [](CellCode code) { return is_empty_cell(code) ? code : CellCode{0}; };
  // Of a row of cells, and of one more at either end that is far from everything.
  std::vector<CellCode> nearest(static_cast<std::size_t>(nx) + 2);
  const auto take = [&](std::int64_t y, std::int64_t z) {
    if (y < 0 || y >= ny || z < 0 || z >= nz) return;
    const CellCode* row = cells.row(y, z);
    CellCode* out = nearest.data() + 1;
    for (std::int64_t x = 0; x < nx; ++x) out[x] = std::min(out[x], distance_of(row[x]));
  };
  const auto sweep = [&](std::int64_t behind) {  // -1: upwards, 1: downwards
    for (std::int64_t n = 0; n < nz * ny; ++n) {
      const std::int64_t at = behind < 0 ? n : nz * ny - 1 - n, y = at % ny, z = at / ny;
      std::fill(nearest.begin(), nearest.end(), static_cast<CellCode>(kMaxLeap));
      for (std::int64_t d = -1; d <= 1; ++d) take(y + d, z + behind);
      take(y + behind, z);
      CellCode* row = cells.row(y, z);
      CellCode before = kMaxLeap;
      for (std::int64_t m = 0; m < nx; ++m) {
        const std::int64_t x = behind < 0 ? m : nx - 1 - m;
        const CellCode* around = nearest.data() + x;
        const int least = std::min({around[0], around[1], around[2], before}) + 1;
        if (is_empty_cell(row[x])) row[x] = static_cast<CellCode>(std::min<int>(row[x], least));
        before = distance_of(row[x]);
      }
    }
  };
  for (CellCode& code : cells.codes) {
    if (is_empty_cell(code)) code = kMaxLeap;
  }
  sweep(-1);
  sweep(1);
}

void put_into_bricks(Cells& cells, Majorants& grid) {
  const auto whole = [](std::int64_t count) {
    return static_cast<int>((count + kBrickEdge - 1) / kBrickEdge * kBrickEdge);
  };
  grid.nx = whole(cells.nx);
  grid.ny = whole(cells.ny);
  grid.nz = whole(cells.nz);
  const std::size_t size = static_cast<std::size_t>(grid.nx) * static_cast<std::size_t>(grid.ny) *
                           static_cast<std::size_t>(grid.nz);
  grid.cells = HugeArray<CellCode>(size);
  std::fill_n(grid.cells.data(), size, CellCode{1});
  const MajorantGrid to = grid.pointers();
  parallel_for(0, cells.nz, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t z = begin; z < end; ++z) {
      for (std::int64_t y = 0; y < cells.ny; ++y) {
        const CellCode* row = cells.row(y, z);
        for (std::int64_t x = 0; x < cells.nx; ++x) {
          const std::int64_t at = to.offset(static_cast<int>(x), static_cast<int>(y), static_cast<int>(z));
          grid.cells[static_cast<std::size_t>(at)] = row[x];
        }
      }
    }
  });
}

// `fill(row, count, code_of)` writes the codes of a row of cells. No point is denser than `most`.
template <class Fill>
Majorants build(int width, int height, int depth, int edge, bool skip_empty, float most, const Fill& fill) {
  // Half a voxel before the first cell's end, half a voxel after the last one's beginning.
  const auto along = [edge](int voxels) { return static_cast<std::int64_t>(voxels / edge + 1); };
  Cells cells{along(width), along(height), along(depth), {}};
  cells.codes.resize(static_cast<std::size_t>(cells.nx * cells.ny * cells.nz));
  Majorants grid;
  grid.edge_voxels = edge;
  grid.size_voxels = {static_cast<float>(width), static_cast<float>(height), static_cast<float>(depth)};
  // Positions are rounded, so that a point may be asked for just outside its cell.
  const float slack = 1e-3F * most;
  grid.sigma_t_per_mm_per_unit = (most + 2 * slack) / kBoundLevels;
  const auto code_of = [&](float bound) {
    if (!(bound > 0)) return CellCode{1};
    const int level = static_cast<int>(std::ceil((bound + slack) / grid.sigma_t_per_mm_per_unit));
    return static_cast<CellCode>(kMaxLeap + std::clamp(level, 1, kBoundLevels));
  };
  parallel_for(0, cells.nz * cells.ny, 32, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const Range y = support(row % cells.ny, edge, height), z = support(row / cells.ny, edge, depth);
      fill(RowOfCells{y.low, y.high, z.low, z.high, cells.row(0, 0) + row * cells.nx}, cells.nx, code_of);
    }
  });
  if (skip_empty) set_distances(cells);
  put_into_bricks(cells, grid);
  return grid;
}

// What a column of voxels across a row of cells holds.
struct Content {
  int low = std::numeric_limits<int>::max(), high = std::numeric_limits<int>::min();  // HU
  std::uint32_t classes = 0;
  std::uint8_t factor = 0;

  void add(const Content& other) {
    low = std::min(low, other.low);
    high = std::max(high, other.high);
    classes |= other.classes;
    factor = std::max(factor, other.factor);
  }
};

class MediumBounds {
 public:
  explicit MediumBounds(const MediumPointers& medium)
      : m_(medium), row_(medium.width + 2 * kTablePad), slice_(row_ * (medium.height + 2 * kTablePad)) {
    const float* tables = dimmed() ? medium.opacity : medium.sigma_t_per_mm;
    for (int c = 0; c < medium.classes; ++c) {
      maxima_.emplace_back(tables + static_cast<std::int64_t>(c) * kHuBins);
    }
  }

  void columns(const RowOfCells& row, std::vector<Content>& out) const {
    out.assign(static_cast<std::size_t>(row_), Content{});
    for (std::int64_t z = row.low_z; z <= row.high_z; ++z) {
      for (std::int64_t y = row.low_y; y <= row.high_y; ++y) {
        const std::int64_t first = z * slice_ + y * row_;
        for (std::int64_t x = 0; x < row_; ++x) {
          const VoxelRecord& voxel = m_.voxels[first + x];
          Content& column = out[static_cast<std::size_t>(x)];
          column.low = std::min<int>(column.low, voxel.hu);
          column.high = std::max<int>(column.high, voxel.hu);
          column.classes |= classes_of(first + x);
          if (dimmed()) column.factor = std::max(column.factor, m_.gradient_factor[first + x]);
        }
      }
    }
  }

  float bound(const Content& content) const {
    float most = 0;
    // Interpolated HU are looked up in the nearest bin, and their last digit is rounded.
    const int low = std::max(content.low - 1 - kTableMinHu, 0),
              high = std::min(content.high + 1 - kTableMinHu, kHuBins - 1);
    for (std::uint32_t rest = content.classes & ~1U; rest != 0; rest &= rest - 1) {
      most = std::max(most, maxima_[static_cast<std::size_t>(std::countr_zero(rest))](low, high));
    }
    return dimmed() && most > 0 ? dimmed_extinction(most, content.factor, m_.opacity_length_mm) : most;
  }

  float most() const {
    return *std::max_element(m_.sigma_t_per_mm,
                             m_.sigma_t_per_mm + static_cast<std::int64_t>(m_.classes) * kHuBins);
  }

 private:
  bool dimmed() const { return m_.gradient_factor != nullptr; }

  // As bits.
  std::uint32_t classes_of(std::int64_t voxel) const {
    const std::uint8_t content = m_.voxels[voxel].content;
    if (content < kFirstSplit) return 1U << content;
    std::uint32_t bits = 0;
    for (int n = 0; n < cells_per_voxel(m_); ++n) {
      const CellClasses classes = cell_classes(m_, voxel, n);
      bits |= 1U << classes.first() | 1U << classes.second();
    }
    return bits;
  }

  const MediumPointers& m_;
  std::int64_t row_, slice_;
  std::vector<RangeMaximum> maxima_;
};

}  // namespace

MajorantGrid Majorants::pointers() const {
  const float scale = 1.0F / static_cast<float>(edge_voxels), low = 0.5F * scale;
  return {cells.data(),           nx, ny, nz, scale, low, size_voxels * scale + Vec3f{low, low, low},
          sigma_t_per_mm_per_unit};
}

Majorants build_majorants(const MediumPointers& medium, int edge_voxels, bool skip_empty) {
  const MediumBounds bounds(medium);
  return build(medium.width, medium.height, medium.depth, edge_voxels, skip_empty, bounds.most(),
               [&](const RowOfCells& row, std::int64_t count, const auto& code_of) {
                 thread_local std::vector<Content> columns;
                 bounds.columns(row, columns);
                 for (std::int64_t x = 0; x < count; ++x) {
                   Content content;
                   const Range range = support(x, edge_voxels, medium.width);
                   for (std::int64_t i = range.low; i <= range.high; ++i) {
                     content.add(columns[static_cast<std::size_t>(i)]);
                   }
                   row.cells[x] = code_of(bounds.bound(content));
                 }
               });
}

Majorants build_majorants(const DensityPointers& density, int edge_voxels, bool skip_empty) {
  const std::int64_t width = density.width + 2 * kTablePad;
  const std::int64_t slice = width * (density.height + 2 * kTablePad);
  const float most = *std::max_element(density.sigma_t_per_mm,
                                       density.sigma_t_per_mm + slice * (density.depth + 2 * kTablePad));
  return build(density.width, density.height, density.depth, edge_voxels, skip_empty, most,
               [&](const RowOfCells& row, std::int64_t count, const auto& code_of) {
                 for (std::int64_t x = 0; x < count; ++x) {
                   const Range range = support(x, edge_voxels, density.width);
                   float bound = 0;
                   for (std::int64_t z = row.low_z; z <= row.high_z; ++z) {
                     for (std::int64_t y = row.low_y; y <= row.high_y; ++y) {
                       const float* first = density.sigma_t_per_mm + z * slice + y * width;
                       bound = std::max(bound, *std::max_element(first + range.low, first + range.high + 1));
                     }
                   }
                   row.cells[x] = code_of(bound);
                 }
               });
}

}  // namespace renderfm::pathtrace
