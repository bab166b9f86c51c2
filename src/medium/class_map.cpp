#include "class_map.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

#include "class_tables.h"
#include "renderfm/core/parallel.h"

namespace renderfm {
namespace {

constexpr double kSigmaVoxels = 0.8;
// A plate one voxel thick peaks at 0.47 after the blur and would lose to the background on both of its sides.
constexpr float kBackgroundWeight = 0.8F;
// By how much a cell's share falls per unit of the difference between the blurred indicators and per cell a
// voxel has along an axis. Beside a plane that difference grows by 1 per voxel: no share is left a third of a
// cell from the border.
constexpr float kShareSlope = 1.5F;
constexpr int kRadius = 2;
constexpr int kTaps = 2 * kRadius + 1;
constexpr int kTapCount = kTaps * kTaps * kTaps;
constexpr std::int64_t kRowsPerChunk = 32;

// Share of a blurred voxel-wide box `distance` voxels away.
double box_weight(double distance) {
  const double scale = 1 / (kSigmaVoxels * std::numbers::sqrt2);
  return 0.5 * (std::erf((distance + 0.5) * scale) - std::erf((distance - 0.5) * scale));
}

// Weights of the 5 x 5 x 5 voxels around one for each of its kCells cells.
template <int kScale>
struct Kernel {
  static constexpr int kCells = kScale * kScale * kScale;
  float weight[kTapCount][kCells];

  Kernel() {
    double axis[kTaps][kScale];
    for (int cell = 0; cell < kScale; ++cell) {
      const double offset = (cell + 0.5) / kScale - 0.5;
      double sum = 0;
      for (int tap = 0; tap < kTaps; ++tap) sum += axis[tap][cell] = box_weight(tap - kRadius - offset);
      for (int tap = 0; tap < kTaps; ++tap) axis[tap][cell] /= sum;
    }
    for (int tap = 0; tap < kTapCount; ++tap) {
      for (int cell = 0; cell < kCells; ++cell) {
        weight[tap][cell] = static_cast<float>(axis[tap / (kTaps * kTaps)][cell / (kScale * kScale)] *
                                               axis[tap / kTaps % kTaps][cell / kScale % kScale] *
                                               axis[tap % kTaps][cell % kScale]);
      }
    }
  }
};

class Smoother {
 public:
  Smoother(const std::vector<std::uint8_t>& voxel_class, const std::array<std::int64_t, 3>& shape, int scale)
      : voxel_class_(voxel_class), shape_(shape), scale_(scale), map_(voxel_class.size() * cells()) {}

  template <int kScale>
  std::vector<CellClasses> run() {
    const Kernel<kScale> kernel;
    const std::int64_t rows = shape_[0] * shape_[1];
    mark_mixed(rows);
    std::vector<std::vector<std::int64_t>> lost((rows + kRowsPerChunk - 1) / kRowsPerChunk);
    parallel_for(0, rows, kRowsPerChunk, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        smooth_row<kScale>(kernel, row / shape_[1], row % shape_[1],
                           lost[static_cast<std::size_t>(begin / kRowsPerChunk)]);
      }
    });
    keep_thin_parts(lost);
    return std::move(map_);
  }

 private:
  std::size_t cells() const { return static_cast<std::size_t>(scale_ * scale_ * scale_); }
  std::int64_t cell_offset(std::int64_t k, std::int64_t j, std::int64_t i, int cell) const {
    const std::int64_t height = shape_[1] * scale_, width = shape_[2] * scale_;
    return ((k * scale_ + cell / (scale_ * scale_)) * height + j * scale_ + cell / scale_ % scale_) * width +
           i * scale_ + cell % scale_;
  }

  void mark_mixed(std::int64_t rows) {
    mixed_.resize(voxel_class_.size());
    parallel_for(0, rows, kRowsPerChunk, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        mark_mixed_row(voxel_class_, shape_, row / shape_[1], row % shape_[1],
                       mixed_.data() + row * shape_[2]);
      }
    });
  }

  template <int kScale>
  void smooth_row(const Kernel<kScale>& kernel, std::int64_t k, std::int64_t j,
                  std::vector<std::int64_t>& lost) {
    const std::int64_t row = (k * shape_[1] + j) * shape_[2];
    for (std::int64_t i = 0; i < shape_[2]; ++i) {
      const std::uint8_t own = voxel_class_[static_cast<std::size_t>(row + i)];
      // Among 26 equal neighbours a class keeps at least 0.79 of the weight: it wins, as background too.
      if (mixed_[static_cast<std::size_t>(row + i)] == 0) {
        for (int cell = 0; cell < Kernel<kScale>::kCells; ++cell) {
          map_[static_cast<std::size_t>(cell_offset(k, j, i, cell))] = CellClasses(own);
        }
        continue;
      }
      if (!smooth_voxel(kernel, k, j, i, own)) lost.push_back(row + i);
    }
  }

  // False where a visible class lost its whole voxel.
  template <int kScale>
  bool smooth_voxel(const Kernel<kScale>& kernel, std::int64_t k, std::int64_t j, std::int64_t i,
                    std::uint8_t own) {
    constexpr int kCells = Kernel<kScale>::kCells;
    float weight[kMaxClasses][kCells];
    std::uint32_t present = 0, thick = 0;
    const float(*tap)[kCells] = kernel.weight;
    for (std::int64_t dk = -kRadius; dk <= kRadius; ++dk) {
      const std::int64_t slice = std::clamp<std::int64_t>(k + dk, 0, shape_[0] - 1) * shape_[1];
      for (std::int64_t dj = -kRadius; dj <= kRadius; ++dj) {
        const std::int64_t row = (slice + std::clamp<std::int64_t>(j + dj, 0, shape_[1] - 1)) * shape_[2];
        for (std::int64_t di = -kRadius; di <= kRadius; ++di, ++tap) {
          const std::int64_t x = std::clamp<std::int64_t>(i + di, 0, shape_[2] - 1);
          const std::uint8_t c = voxel_class_[static_cast<std::size_t>(row + x)];
          if ((present >> c & 1U) == 0) {
            present |= 1U << c;
            std::fill_n(weight[c], kCells, 0.0F);
          }
          if (mixed_[static_cast<std::size_t>(row + x)] == 0) thick |= 1U << c;
          for (int cell = 0; cell < kCells; ++cell) weight[c][cell] += (*tap)[cell];
        }
      }
    }
    if ((present & 1U) != 0) {
      for (int cell = 0; cell < kCells; ++cell) weight[0][cell] *= kBackgroundWeight;
    }
    bool kept = own == 0;
    for (int cell = 0; cell < kCells; ++cell) {
      std::uint8_t best = own;
      for (std::uint32_t rest = present; rest != 0; rest &= rest - 1) {
        const int c = std::countr_zero(rest);
        if (weight[c][cell] > weight[best][cell]) best = static_cast<std::uint8_t>(c);
      }
      std::uint8_t second = best;
      for (std::uint32_t rest = present & ~(1U << best); rest != 0; rest &= rest - 1) {
        const int c = std::countr_zero(rest);
        if (second == best || weight[c][cell] > weight[second][cell]) second = static_cast<std::uint8_t>(c);
      }
      const bool both_thick = (thick >> best & thick >> second & 1U) != 0;
      map_[static_cast<std::size_t>(cell_offset(k, j, i, cell))] =
          both_thick ? shared<kScale>(best, second, weight[best][cell] - weight[second][cell])
                     : CellClasses(best);
      kept = kept || best == own;
    }
    return kept;
  }

  // The blur leaves hardly more of a plate or rod of one or two voxels than of what is around it, which says
  // nothing of how far away its border is: cells are shared only between classes that both have a voxel among
  // 26 equal ones near by.
  template <int kScale>
  static CellClasses shared(std::uint8_t best, std::uint8_t second, float lead) {
    if (best == second) return CellClasses(best);
    const float share = 0.5F - kShareSlope * kScale * lead;
    const auto picks = static_cast<int>(std::floor(CellClasses::kPicks * share + 0.5F));
    return picks > 0 ? CellClasses(best, second, picks) : CellClasses(best);
  }

  // Voxels that lost although no neighbour of their class survived are thin parts, not rough edges: they
  // stay, and so do the lost voxels that join them to the rest.
  void keep_thin_parts(const std::vector<std::vector<std::int64_t>>& lost_by_chunk) {
    std::vector<std::int64_t> lost;
    for (const auto& chunk : lost_by_chunk) lost.insert(lost.end(), chunk.begin(), chunk.end());
    const auto count = static_cast<std::int64_t>(lost.size());
    std::vector<std::uint8_t> thin(lost.size()), joins(lost.size());
    const auto is_lost = [&](std::int64_t voxel) {
      return std::binary_search(lost.begin(), lost.end(), voxel);
    };
    parallel_for(0, count, 1024, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = begin; n < end; ++n) {
        thin[static_cast<std::size_t>(n)] = !any_equal_neighbour(lost[static_cast<std::size_t>(n)],
                                                                 [&](std::int64_t v) { return !is_lost(v); });
      }
    });
    const auto is_thin = [&](std::int64_t voxel) {
      const auto found = std::lower_bound(lost.begin(), lost.end(), voxel);
      return found != lost.end() && *found == voxel &&
             thin[static_cast<std::size_t>(found - lost.begin())] != 0;
    };
    parallel_for(0, count, 1024, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = begin; n < end; ++n) {
        joins[static_cast<std::size_t>(n)] = any_equal_neighbour(lost[static_cast<std::size_t>(n)], is_thin);
      }
    });
    for (std::size_t n = 0; n < lost.size(); ++n) {
      if (thin[n] == 0 && joins[n] == 0) continue;
      const std::int64_t i = lost[n] % shape_[2], j = lost[n] / shape_[2] % shape_[1],
                         k = lost[n] / (shape_[2] * shape_[1]);
      for (int cell = 0; cell < static_cast<int>(cells()); ++cell) {
        map_[static_cast<std::size_t>(cell_offset(k, j, i, cell))] =
            CellClasses(voxel_class_[static_cast<std::size_t>(lost[n])]);
      }
    }
  }

  template <class Predicate>
  bool any_equal_neighbour(std::int64_t voxel, Predicate predicate) const {
    const std::int64_t i = voxel % shape_[2], j = voxel / shape_[2] % shape_[1],
                       k = voxel / (shape_[2] * shape_[1]);
    for (std::int64_t z = std::max<std::int64_t>(k - 1, 0); z <= std::min(k + 1, shape_[0] - 1); ++z) {
      for (std::int64_t y = std::max<std::int64_t>(j - 1, 0); y <= std::min(j + 1, shape_[1] - 1); ++y) {
        for (std::int64_t x = std::max<std::int64_t>(i - 1, 0); x <= std::min(i + 1, shape_[2] - 1); ++x) {
          const std::int64_t other = (z * shape_[1] + y) * shape_[2] + x;
          if (other != voxel &&
              voxel_class_[static_cast<std::size_t>(other)] ==
                  voxel_class_[static_cast<std::size_t>(voxel)] &&
              predicate(other)) {
            return true;
          }
        }
      }
    }
    return false;
  }

  const std::vector<std::uint8_t>& voxel_class_;
  std::array<std::int64_t, 3> shape_;
  int scale_;
  std::vector<std::uint8_t> mixed_;  // 0: a voxel like its 26 neighbours
  std::vector<CellClasses> map_;
};

}  // namespace

void mark_mixed_row(const std::vector<std::uint8_t>& voxel_class,
                    const std::array<std::int64_t, 3>& shape_zyx, std::int64_t k, std::int64_t j,
                    std::uint8_t* mixed) {
  const auto [depth, height, width] = shape_zyx;
  std::fill_n(mixed, width, std::uint8_t{0});
  const std::uint8_t* own = voxel_class.data() + (k * height + j) * width;
  for (std::int64_t z = std::max<std::int64_t>(k - 1, 0); z <= std::min(k + 1, depth - 1); ++z) {
    for (std::int64_t y = std::max<std::int64_t>(j - 1, 0); y <= std::min(j + 1, height - 1); ++y) {
      const std::uint8_t* other = voxel_class.data() + (z * height + y) * width;
      for (std::int64_t i = 0; i < width; ++i) mixed[i] |= own[i] ^ other[i];
      for (std::int64_t i = 1; i < width; ++i) mixed[i] |= own[i] ^ other[i - 1];
      for (std::int64_t i = 0; i + 1 < width; ++i) mixed[i] |= own[i] ^ other[i + 1];
    }
  }
}

std::vector<CellClasses> smooth_class_map(const std::vector<std::uint8_t>& voxel_class,
                                          const std::array<std::int64_t, 3>& shape_zyx, int scale) {
  Smoother smoother(voxel_class, shape_zyx, scale);
  return scale == 1 ? smoother.run<1>() : smoother.run<2>();
}

}  // namespace renderfm
