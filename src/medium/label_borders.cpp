#include "label_borders.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "class_map.h"
#include "neighbours.h"
#include "renderfm/core/parallel.h"

namespace renderfm {
namespace {

constexpr std::int64_t kRowsPerChunk = 32;
constexpr double kAirHu = -500, kTissueHu = -200;
constexpr double kRodNeighbours = 8, kPlaneNeighbours = 14;  // of 26

bool visible_at(const MediumClass& c, std::int16_t hu) {
  return c.sigma_t_per_mm[MediumClass::bin_of(hu)] > 0;
}

template <class T>
struct Change {
  std::int64_t voxel;
  T to;
};

// What find(voxel), a std::optional<T>, says of the voxels whose neighbours are not all of their own class.
template <class T, class Find>
std::vector<Change<T>> changes_at_borders(const Geometry& grid, const std::vector<std::uint8_t>& voxel_class,
                                          Find find) {
  const std::int64_t rows = grid.depth() * grid.height();
  std::vector<std::vector<Change<T>>> chunks(
      static_cast<std::size_t>((rows + kRowsPerChunk - 1) / kRowsPerChunk));
  parallel_for(0, rows, kRowsPerChunk, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::uint8_t> mixed(static_cast<std::size_t>(grid.width()));
    for (std::int64_t row = begin; row < end; ++row) {
      mark_mixed_row(voxel_class, grid.shape_zyx, row / grid.height(), row % grid.height(), mixed.data());
      for (std::int64_t i = 0; i < grid.width(); ++i) {
        if (mixed[static_cast<std::size_t>(i)] == 0) continue;
        const std::int64_t voxel = row * grid.width() + i;
        if (const std::optional<T> to = find(voxel)) {
          chunks[static_cast<std::size_t>(begin / kRowsPerChunk)].push_back({voxel, *to});
        }
      }
    }
  });
  std::vector<Change<T>> all;
  for (const auto& chunk : chunks) all.insert(all.end(), chunk.begin(), chunk.end());
  return all;
}

template <class T>
void make_changes(const std::vector<Change<T>>& changes, std::vector<T>& to) {
  for (const Change<T>& change : changes) to[static_cast<std::size_t>(change.voxel)] = change.to;
}

// 0 up to `low`, 1 from `high` on.
double share_between(double low, double high, double value) {
  return std::clamp((value - low) / (high - low), 0.0, 1.0);
}

struct WeightedMean {
  double sum = 0, weight = 0;
  void add(double value, double w) { sum += w * value, weight += w; }
  double value() const { return sum / weight; }
};

}  // namespace

void undo_partial_volume(const Geometry& grid, const std::vector<std::uint8_t>& voxel_class,
                         std::vector<std::int16_t>& hu) {
  using Hu = std::optional<std::int16_t>;
  const std::vector<Neighbour> neighbours = neighbours_by_distance(1);
  std::vector<float> plane_share(hu.size());
  const auto class_of = [&](std::int64_t voxel) { return voxel_class[static_cast<std::size_t>(voxel)]; };
  const auto hu_of = [&](std::int64_t voxel) { return hu[static_cast<std::size_t>(voxel)]; };
  const auto raised = [&](std::int64_t voxel, double to, double weight) {
    const double by = weight * (to - hu_of(voxel));
    return by > 0 ? Hu(static_cast<std::int16_t>(std::lround(hu_of(voxel) + by))) : Hu();
  };

  const auto of_border = [&](std::int64_t voxel) {
    const std::uint8_t own = class_of(voxel);
    if (own == 0) return Hu();
    WeightedMean inside, outside;
    for_neighbours(grid, voxel, neighbours, [&](std::int64_t n) {
      if (class_of(n) == own) inside.add(hu_of(n), 1);
      if (class_of(n) == 0) outside.add(hu_of(n), 1);
    });
    if (inside.weight == 0 || outside.weight == 0 || outside.value() >= inside.value()) return Hu();
    const double weight = share_between(kRodNeighbours, kPlaneNeighbours, inside.weight) *
                          share_between(kAirHu, kTissueHu, outside.value());
    plane_share[static_cast<std::size_t>(voxel)] = static_cast<float>(weight);
    return raised(voxel, inside.value(), weight);
  };
  make_changes(changes_at_borders<std::int16_t>(grid, voxel_class, of_border), hu);

  const auto of_outside = [&](std::int64_t voxel) {
    if (class_of(voxel) != 0) return Hu();
    WeightedMean border;
    double weight = 0;
    for_neighbours(grid, voxel, neighbours, [&](std::int64_t n) {
      const double w = plane_share[static_cast<std::size_t>(n)];
      border.add(hu_of(n), w);
      weight = std::max(weight, w);
    });
    return weight > 0 ? raised(voxel, border.value(), weight) : Hu();
  };
  make_changes(changes_at_borders<std::int16_t>(grid, voxel_class, of_outside), hu);
}

void extend_into_transparent(const Geometry& grid, const std::vector<std::int16_t>& hu,
                             const std::vector<std::uint8_t>& labels, const std::vector<MediumClass>& classes,
                             std::vector<std::uint8_t>& voxel_class) {
  const std::vector<Neighbour> neighbours = neighbours_by_distance(1);
  const auto joined = [&](std::int64_t voxel) -> std::optional<std::uint8_t> {
    const auto v = static_cast<std::size_t>(voxel);
    if (voxel_class[v] != 0 || labels[v] != 0) return {};
    const std::int64_t other = find_neighbour(grid, voxel, neighbours, [&](std::int64_t n) {
      const std::uint8_t c = voxel_class[static_cast<std::size_t>(n)];
      return c != 0 && !visible_at(classes[c], hu[v]);
    });
    if (other < 0) return {};
    return voxel_class[static_cast<std::size_t>(other)];
  };
  make_changes(changes_at_borders<std::uint8_t>(grid, voxel_class, joined), voxel_class);
}

}  // namespace renderfm
