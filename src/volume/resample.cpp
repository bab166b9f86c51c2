#include "renderfm/volume/resample.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "index_map.h"
#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"

namespace renderfm {
namespace {

constexpr double kSpacingTolerance = 1e-3;   // relative: below it a scan counts as having the target spacing
constexpr double kPositionTolerance = 1e-3;  // of a voxel, over the whole grid
constexpr double kAverageAbove = 1.2;        // a target this much coarser averages the scan
constexpr std::int64_t kMaxVoxels = std::int64_t{1} << 32;

// For each grid axis (x, y, z): the world axis it runs along and which way.
struct AxisOrder {
  std::array<int, 3> world_axis;
  std::array<bool, 3> reversed;
};

// Nothing where following the axes would put a voxel more than kPositionTolerance voxels from its place.
std::optional<AxisOrder> axis_order(const Geometry& scan) {
  AxisOrder order{};
  std::array<bool, 3> taken{};
  const Vec3d spacing = scan.spacing_xyz_mm();
  for (int axis = 0; axis < 3; ++axis) {
    const Vec3d direction = scan.direction.column(axis);
    int along = 0;
    for (int world = 1; world < 3; ++world) {
      if (std::abs(direction[world]) > std::abs(direction[along])) along = world;
    }
    if (taken[static_cast<std::size_t>(along)]) return std::nullopt;
    taken[static_cast<std::size_t>(along)] = true;
    Vec3d sideways = direction;
    sideways[along] = 0;
    const auto length =
        static_cast<double>(scan.shape_zyx[static_cast<std::size_t>(2 - axis)]) * spacing[axis];
    if (norm(sideways) * length > kPositionTolerance * scan.min_spacing_mm()) return std::nullopt;
    order.world_axis[static_cast<std::size_t>(axis)] = along;
    order.reversed[static_cast<std::size_t>(axis)] = direction[along] < 0;
  }
  return order;
}

// The slice axis is the one whose spacing is unlike the other two; of the other two, the finer.
double finest_in_plane_mm(const Geometry& scan) {
  const auto [z, y, x] = scan.spacing_zyx_mm;
  const auto ratio = [](double a, double b) { return std::max(a, b) / std::min(a, b); };
  const double xy = ratio(x, y), xz = ratio(x, z), yz = ratio(y, z);
  if (xy <= xz && xy <= yz) return std::min(x, y);
  return xz <= yz ? std::min(x, z) : std::min(y, z);
}

double target_spacing_mm(const Geometry& scan, const TargetSpacing& target) {
  switch (target.kind) {
    case TargetSpacing::Kind::kAutomatic: return std::max(target.finest_automatic_mm, scan.min_spacing_mm());
    case TargetSpacing::Kind::kNative: return finest_in_plane_mm(scan);
    case TargetSpacing::Kind::kMillimetres: break;
  }
  if (!(target.spacing_mm > 0) || !std::isfinite(target.spacing_mm)) {
    fail_input("the spacing {} mm is not a positive number", target.spacing_mm);
  }
  return target.spacing_mm;
}

// The scan's own voxels in LPS order.
Geometry reordered(const Geometry& scan, const AxisOrder& order) {
  Geometry grid;
  Vec3d first_index{0, 0, 0};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const auto world_slot = static_cast<std::size_t>(2 - order.world_axis[axis]);
    grid.shape_zyx[world_slot] = scan.shape_zyx[2 - axis];
    grid.spacing_zyx_mm[world_slot] = scan.spacing_zyx_mm[2 - axis];
    if (order.reversed[axis])
      first_index[static_cast<int>(axis)] = static_cast<double>(scan.shape_zyx[2 - axis] - 1);
  }
  grid.origin_mm = scan.world_from_index(first_index);
  return grid;
}

// Voxels of `spacing_mm` over the box that the scan's voxels fill, centred on it.
Geometry covering(const Geometry& scan, double spacing_mm) {
  const auto [depth, height, width] = scan.shape_zyx;
  Vec3d low{}, high{};
  for (int corner = 0; corner < 8; ++corner) {
    const Vec3d index{(corner & 1) ? static_cast<double>(width) - 0.5 : -0.5,
                      (corner & 2) ? static_cast<double>(height) - 0.5 : -0.5,
                      (corner & 4) ? static_cast<double>(depth) - 0.5 : -0.5};
    const Vec3d world = scan.world_from_index(index);
    for (int axis = 0; axis < 3; ++axis) {
      low[axis] = corner == 0 ? world[axis] : std::min(low[axis], world[axis]);
      high[axis] = corner == 0 ? world[axis] : std::max(high[axis], world[axis]);
    }
  }
  Geometry grid;
  double total = 1;
  for (int axis = 0; axis < 3; ++axis) {
    const double extent_mm = high[axis] - low[axis];
    // A remainder of a twentieth of a voxel is no reason for another layer.
    const double count = std::max(1.0, std::ceil(extent_mm / spacing_mm - 0.05));
    total *= count;
    if (total > static_cast<double>(kMaxVoxels)) {
      fail_input("a spacing of {:.4g} mm cuts the scan into more than {} million voxels; use a coarser one",
                 spacing_mm, kMaxVoxels >> 20);
    }
    const auto slot = static_cast<std::size_t>(2 - axis);
    grid.shape_zyx[slot] = static_cast<std::int64_t>(count);
    grid.spacing_zyx_mm[slot] = spacing_mm;
    grid.origin_mm[axis] = (low[axis] + high[axis]) / 2 - (count - 1) / 2 * spacing_mm;
  }
  return grid;
}

// A map that sends each target axis to one source axis: source index = scale * target index + offset.
struct AxisMap {
  int target_axis;
  double scale, offset;
};
using SeparableMap = std::array<AxisMap, 3>;  // by source axis x, y, z

std::optional<SeparableMap> separable(const IndexMap& map, const Shape& target_shape) {
  SeparableMap result{};
  std::array<bool, 3> taken{};
  for (int source = 0; source < 3; ++source) {
    int along = 0;
    for (int target = 1; target < 3; ++target) {
      if (std::abs(map.matrix[source][target]) > std::abs(map.matrix[source][along])) along = target;
    }
    double stray = 0;
    for (int target = 0; target < 3; ++target) {
      if (target == along) continue;
      stray += std::abs(map.matrix[source][target]) *
               static_cast<double>(target_shape[static_cast<std::size_t>(2 - target)]);
    }
    if (stray > kPositionTolerance || taken[static_cast<std::size_t>(along)]) return std::nullopt;
    taken[static_cast<std::size_t>(along)] = true;
    result[static_cast<std::size_t>(source)] = {along, map.matrix[source][along], map.offset[source]};
  }
  return result;
}

// Source voxels that make one target voxel along one axis, with weights that sum to 1; none outside.
struct Taps {
  std::int64_t first = 0;
  std::vector<float> weights;
};

// Integral of the hat function of linear interpolation from minus infinity to t.
double hat_integral(double t) {
  if (t <= -1) return 0;
  if (t >= 1) return 1;
  return t < 0 ? 0.5 * (1 + t) * (1 + t) : 1 - 0.5 * (1 - t) * (1 - t);
}

// Linear interpolation, or its mean over the target voxel where that is the wider. Both keep linear fields; a
// mean of whole source voxels would shift them by up to a tenth of a voxel.
Taps taps_at(double center, double width, std::int64_t count) {
  Taps taps;
  if (center < -kEdge || center > static_cast<double>(count - 1) + kEdge) return taps;
  if (width <= kAverageAbove) {
    const double clamped = std::clamp(center, 0.0, static_cast<double>(count - 1));
    const double low = std::floor(clamped);
    const auto weight = static_cast<float>(clamped - low);
    taps.first = static_cast<std::int64_t>(low);
    taps.weights = weight > 0 ? std::vector<float>{1 - weight, weight} : std::vector<float>{1};
    return taps;
  }
  // The part of the target voxel that lies in the scan; beyond its outermost centres the scan is constant.
  const double low = std::max(center - width / 2, -0.5);
  const double high = std::min(center + width / 2, static_cast<double>(count) - 0.5);
  const auto last_voxel = count - 1;
  taps.first = std::clamp(static_cast<std::int64_t>(std::floor(low)), std::int64_t{0}, last_voxel);
  const auto last = std::clamp(static_cast<std::int64_t>(std::ceil(high)), taps.first, last_voxel);
  taps.weights.assign(static_cast<std::size_t>(last - taps.first + 1), 0.0f);
  for (auto i = static_cast<std::int64_t>(std::floor(low)); i <= static_cast<std::int64_t>(std::ceil(high));
       ++i) {
    const auto voxel = static_cast<double>(i);
    const double weight = (hat_integral(high - voxel) - hat_integral(low - voxel)) / (high - low);
    taps.weights[static_cast<std::size_t>(std::clamp(i, taps.first, last) - taps.first)] +=
        static_cast<float>(weight);
  }
  return taps;
}

std::vector<Taps> taps_along(const AxisMap& map, std::int64_t source_count, std::int64_t target_count) {
  std::vector<Taps> taps;
  for (std::int64_t o = 0; o < target_count; ++o) {
    taps.push_back(
        taps_at(map.scale * static_cast<double>(o) + map.offset, std::abs(map.scale), source_count));
  }
  return taps;
}

std::int64_t target_count(const SeparableMap& map, std::size_t source_axis, const Shape& target_shape) {
  return target_shape[static_cast<std::size_t>(2 - map[source_axis].target_axis)];
}

// Distance in the target array between neighbours along a source axis.
std::int64_t target_stride(const SeparableMap& map, std::size_t source_axis, const Shape& target_shape) {
  const int axis = map[source_axis].target_axis;
  return axis == 0 ? 1 : (axis == 1 ? target_shape[2] : target_shape[1] * target_shape[2]);
}

bool same_voxels(const SeparableMap& map, const Shape& target_shape) {
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double last = static_cast<double>(target_count(map, axis, target_shape) - 1);
    const double shift = std::abs(map[axis].offset - std::nearbyint(map[axis].offset));
    if (shift + std::abs(std::abs(map[axis].scale) - 1) * last > kPositionTolerance) return false;
  }
  return true;
}

// Whole-voxel copy through tables of source indices (-1 outside); also the nearest neighbour of a separable
// map.
template <class T>
void copy_nearest(const Volume<T>& source, const SeparableMap& map, T outside, Volume<T>& target) {
  const Shape& target_shape = target.geometry.shape_zyx;
  std::array<std::vector<std::int64_t>, 3> offset_of;  // by target axis
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const auto target_axis = static_cast<std::size_t>(map[axis].target_axis);
    const std::int64_t count = source.geometry.shape_zyx[2 - axis];
    const std::int64_t stride = axis == 0 ? 1
                                          : (axis == 1 ? source.geometry.width()
                                                       : source.geometry.width() * source.geometry.height());
    for (std::int64_t o = 0; o < target_count(map, axis, target_shape); ++o) {
      const double index = map[axis].scale * static_cast<double>(o) + map[axis].offset;
      const bool inside = index >= -kEdge && index <= static_cast<double>(count - 1) + kEdge;
      const auto nearest =
          std::clamp(static_cast<std::int64_t>(std::floor(index + 0.5)), std::int64_t{0}, count - 1);
      offset_of[target_axis].push_back(inside ? nearest * stride : -1);
    }
  }
  parallel_for(0, target_shape[0] * target_shape[1], 64, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t row = first; row < last; ++row) {
      const std::int64_t z = offset_of[2][static_cast<std::size_t>(row / target_shape[1])];
      const std::int64_t y = offset_of[1][static_cast<std::size_t>(row % target_shape[1])];
      T* out = target.voxels.data() + row * target_shape[2];
      for (std::int64_t i = 0; i < target_shape[2]; ++i) {
        const std::int64_t x = offset_of[0][static_cast<std::size_t>(i)];
        out[i] = x < 0 || y < 0 || z < 0 ? outside : source.voxels[static_cast<std::size_t>(x + y + z)];
      }
    }
  });
}

// One axis after the other, slice by slice: the slices that make a target slice are summed, then its rows,
// then its columns. Sums run along contiguous memory, and no intermediate volume is kept.
void resample_separable(const CtVolume& scan, const SeparableMap& map, CtVolume& target) {
  const auto [depth, height, width] = scan.geometry.shape_zyx;
  const Shape& target_shape = target.geometry.shape_zyx;
  std::array<std::vector<Taps>, 3> taps;
  std::array<std::int64_t, 3> counts{}, strides{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    counts[axis] = target_count(map, axis, target_shape);
    strides[axis] = target_stride(map, axis, target_shape);
    taps[axis] = taps_along(map[axis], scan.geometry.shape_zyx[2 - axis], counts[axis]);
  }
  const std::int64_t slice_size = height * width;
  parallel_for(0, counts[2], 1, [&, width = width](std::int64_t first, std::int64_t last) {
    std::vector<float> slice(static_cast<std::size_t>(slice_size)), row(static_cast<std::size_t>(width));
    for (std::int64_t k = first; k < last; ++k) {
      const Taps& along_z = taps[2][static_cast<std::size_t>(k)];
      if (along_z.weights.empty()) continue;  // the target is air already
      std::fill(slice.begin(), slice.end(), 0.0f);
      for (std::size_t t = 0; t < along_z.weights.size(); ++t) {
        const std::int16_t* in =
            scan.voxels.data() + (along_z.first + static_cast<std::int64_t>(t)) * slice_size;
        const float weight = along_z.weights[t];
        for (std::int64_t i = 0; i < slice_size; ++i) {
          slice[static_cast<std::size_t>(i)] += weight * static_cast<float>(in[i]);
        }
      }
      for (std::int64_t j = 0; j < counts[1]; ++j) {
        const Taps& along_y = taps[1][static_cast<std::size_t>(j)];
        if (along_y.weights.empty()) continue;
        std::fill(row.begin(), row.end(), 0.0f);
        for (std::size_t t = 0; t < along_y.weights.size(); ++t) {
          const float* in = slice.data() + (along_y.first + static_cast<std::int64_t>(t)) * width;
          for (std::int64_t i = 0; i < width; ++i)
            row[static_cast<std::size_t>(i)] += along_y.weights[t] * in[i];
        }
        std::int16_t* out = target.voxels.data() + k * strides[2] + j * strides[1];
        for (std::int64_t i = 0; i < counts[0]; ++i) {
          const Taps& along_x = taps[0][static_cast<std::size_t>(i)];
          if (along_x.weights.empty()) continue;
          float sum = 0;
          for (std::size_t t = 0; t < along_x.weights.size(); ++t) {
            sum += along_x.weights[t] * row[static_cast<std::size_t>(along_x.first) + t];
          }
          out[i * strides[0]] = static_cast<std::int16_t>(std::lrintf(sum));
        }
      }
    }
  });
}

// Oblique grids: the mean over a target voxel's width along each scan axis, at the scan's own voxels.
CtVolume averaged(const CtVolume& scan, const IndexMap& map) {
  bool wider = false;
  std::array<double, 3> width{};
  for (int axis = 0; axis < 3; ++axis) {
    double square = 0;
    for (int target = 0; target < 3; ++target) square += map.matrix[axis][target] * map.matrix[axis][target];
    const auto slot = static_cast<std::size_t>(axis);
    width[slot] = std::sqrt(square);
    wider |= width[slot] > kAverageAbove;
  }
  if (!wider) return scan;
  CtVolume result{scan.geometry, std::vector<std::int16_t>(scan.voxels.size())};
  const auto [depth, height, row_length] = scan.geometry.shape_zyx;
  const std::array<std::int64_t, 3> counts{row_length, height, depth},
      strides{1, row_length, row_length * height};
  std::vector<std::int16_t> input = scan.voxels;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (width[axis] <= kAverageAbove) continue;
    std::vector<Taps> taps;
    for (std::int64_t i = 0; i < counts[axis]; ++i) {
      taps.push_back(taps_at(static_cast<double>(i), width[axis], counts[axis]));
    }
    parallel_for(0, scan.geometry.voxel_count(), 1 << 16, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t v = first; v < last; ++v) {
        const std::int64_t index = v / strides[axis] % counts[axis];
        const Taps& tap = taps[static_cast<std::size_t>(index)];
        const std::int64_t start = v + (tap.first - index) * strides[axis];
        float sum = 0;
        for (std::size_t t = 0; t < tap.weights.size(); ++t) {
          sum += tap.weights[t] *
                 static_cast<float>(
                     input[static_cast<std::size_t>(start + static_cast<std::int64_t>(t) * strides[axis])]);
        }
        result.voxels[static_cast<std::size_t>(v)] = static_cast<std::int16_t>(std::lrintf(sum));
      }
    });
    input = result.voxels;
  }
  return result;
}

}  // namespace

Geometry network_grid(const Geometry& scan, const TargetSpacing& target) {
  const double spacing_mm = target_spacing_mm(scan, target);
  const auto order = axis_order(scan);
  if (order && std::abs(scan.min_spacing_mm() - spacing_mm) <= kSpacingTolerance * spacing_mm &&
      std::abs(scan.max_spacing_mm() - spacing_mm) <= kSpacingTolerance * spacing_mm) {
    return reordered(scan, *order);
  }
  return covering(scan, spacing_mm);
}

CtVolume resample_ct(const CtVolume& scan, const Geometry& grid) {
  const IndexMap map = source_from_target(scan.geometry, grid);
  CtVolume target{grid, std::vector<std::int16_t>(static_cast<std::size_t>(grid.voxel_count()), kMinHu)};
  if (const auto axes = separable(map, grid.shape_zyx)) {
    if (same_voxels(*axes, grid.shape_zyx)) {
      copy_nearest<std::int16_t>(scan, *axes, kMinHu, target);
    } else {
      resample_separable(scan, *axes, target);
    }
    return target;
  }
  const CtVolume smooth = averaged(scan, map);
  sample_linear<std::int16_t>(smooth.voxels.data(), scan.geometry.shape_zyx, map, target.voxels.data(),
                              grid.shape_zyx, kMinHu);
  return target;
}

LabelVolume resample_labels(const LabelVolume& labels, const Geometry& grid) {
  const IndexMap map = source_from_target(labels.geometry, grid);
  LabelVolume target;
  target.geometry = grid;
  target.names = labels.names;
  target.voxels.assign(static_cast<std::size_t>(grid.voxel_count()), 0);
  if (const auto axes = separable(map, grid.shape_zyx)) {
    copy_nearest<std::uint8_t>(labels, *axes, 0, target);
  } else {
    sample_nearest<std::uint8_t>(labels.voxels.data(), labels.geometry.shape_zyx, map, target.voxels.data(),
                                 grid.shape_zyx, 0);
  }
  return target;
}

}  // namespace renderfm
