#include "orthonormal.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace renderfm {
namespace {

constexpr double kDegree = 180 / std::numbers::pi;
constexpr double kMinSpacing_mm = 0.001, kMaxSpacing_mm = 100;

Mat3d from_columns(Vec3d x, Vec3d y, Vec3d z) {
  return {{{x.x, y.x, z.x}, {x.y, y.y, z.y}, {x.z, y.z, z.z}}};
}

double departure_deg(Vec3d a, Vec3d b) {
  return std::asin(std::clamp(std::abs(dot(a, b)), 0.0, 1.0)) * kDegree;
}

// The orthogonal factor of the polar decomposition, by Newton's iteration.
Mat3d nearest_orthonormal(const Mat3d& axes) {
  Mat3d r = axes;
  for (int step = 0; step < 30; ++step) {
    const Mat3d dual = transposed(inverse(r));
    double change = 0;
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j) {
        const double next = 0.5 * (r[i][j] + dual[i][j]);
        change = std::max(change, std::abs(next - r[i][j]));
        r[i][j] = next;
      }
    }
    if (change < 1e-15) break;
  }
  return r;
}

// Axes of the grid for sheared voxels: the first orthogonal pair is kept and the third axis becomes its
// normal.
Mat3d axes_for_sheared(const Mat3d& unit) {
  constexpr int kPairs[3][3] = {{0, 1, 2}, {0, 2, 1}, {1, 2, 0}};
  for (const auto& [a, b, c] : kPairs) {
    Vec3d axis[3] = {unit.column(0), unit.column(1), unit.column(2)};
    if (departure_deg(axis[a], axis[b]) >= kShearTolerance_deg) continue;
    axis[b] = normalised(axis[b] - axis[a] * dot(axis[a], axis[b]));
    const Vec3d normal = cross(axis[a], axis[b]);
    axis[c] = dot(normal, axis[c]) < 0 ? -normal : normal;
    return from_columns(axis[0], axis[1], axis[2]);
  }
  return nearest_orthonormal(unit);
}

}  // namespace

OrthonormalGrid orthonormal_grid(const VoxelAffine& affine, const Shape& shape_zyx, const std::string& name) {
  Vec3d step_mm, unit[3];
  for (int axis = 0; axis < 3; ++axis) {
    const Vec3d column = affine.columns_mm.column(axis);
    step_mm[axis] = norm(column);
    if (!(step_mm[axis] >= kMinSpacing_mm && step_mm[axis] <= kMaxSpacing_mm)) {
      fail_input(
          "{}: the voxel size along axis {} is {:.4g} mm; it must lie between {} and {} mm, so repair the "
          "header or export the scan again",
          name, axis + 1, step_mm[axis], kMinSpacing_mm, kMaxSpacing_mm);
    }
    if (!std::isfinite(affine.origin_mm[axis]))
      fail_input("{}: the header gives no position in the patient", name);
    unit[axis] = column * (1 / step_mm[axis]);
  }
  const Mat3d axes = from_columns(unit[0], unit[1], unit[2]);
  if (std::abs(determinant(axes)) < 0.1) {
    fail_input("{}: the header's axes lie nearly in one plane, so the scan has no volume; export it again",
               name);
  }

  OrthonormalGrid grid;
  Geometry& geometry = grid.geometry;
  grid.angle_deg = std::max(
      {departure_deg(unit[0], unit[1]), departure_deg(unit[0], unit[2]), departure_deg(unit[1], unit[2])});
  grid.sheared = grid.angle_deg >= kShearTolerance_deg;
  geometry.shape_zyx = shape_zyx;
  const auto last_index = [&](int axis) {
    return static_cast<double>(shape_zyx[static_cast<std::size_t>(2 - axis)] - 1);
  };
  if (!grid.sheared) {
    geometry.direction = nearest_orthonormal(axes);
    geometry.spacing_zyx_mm = {step_mm.z, step_mm.y, step_mm.x};
    const Vec3d centre{last_index(0) / 2, last_index(1) / 2, last_index(2) / 2};
    const Vec3d centre_mm = affine.columns_mm * centre + affine.origin_mm;
    geometry.origin_mm = centre_mm - geometry.direction * (centre * step_mm);
    return grid;
  }

  geometry.direction = axes_for_sheared(axes);
  const Mat3d grid_from_world = transposed(geometry.direction);
  Vec3d low{0, 0, 0}, high{0, 0, 0};
  for (int corner = 0; corner < 8; ++corner) {
    const Vec3d index{(corner & 1) ? last_index(0) : 0, (corner & 2) ? last_index(1) : 0,
                      (corner & 4) ? last_index(2) : 0};
    const Vec3d along = grid_from_world * (affine.columns_mm * index);
    for (int axis = 0; axis < 3; ++axis) {
      low[axis] = std::min(low[axis], along[axis]);
      high[axis] = std::max(high[axis], along[axis]);
    }
  }
  for (int axis = 0; axis < 3; ++axis) {
    const auto slot = static_cast<std::size_t>(2 - axis);
    const double spacing_mm = std::abs(dot(geometry.direction.column(axis), affine.columns_mm.column(axis)));
    geometry.spacing_zyx_mm[slot] = spacing_mm;
    geometry.shape_zyx[slot] =
        static_cast<std::int64_t>(std::ceil((high[axis] - low[axis]) / spacing_mm - 1e-3)) + 1;
  }
  geometry.origin_mm = affine.origin_mm + geometry.direction * low;
  const Mat3d index_from_world = inverse(affine.columns_mm);
  const Vec3d spacing = geometry.spacing_xyz_mm();
  grid.source_from_grid.offset = index_from_world * (geometry.origin_mm - affine.origin_mm);
  for (int axis = 0; axis < 3; ++axis) {
    const Vec3d step = index_from_world * (geometry.direction.column(axis) * spacing[axis]);
    for (int row = 0; row < 3; ++row) grid.source_from_grid.matrix[row][axis] = step[row];
  }
  return grid;
}

}  // namespace renderfm
