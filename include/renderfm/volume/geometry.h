// Where a voxel grid lies in the patient: shape, spacing, origin and axes, and the maps between voxel indices
// and world millimetres (patient LPS: x to the left, y to the back, z to the head).
#pragma once

#include <array>
#include <cstdint>

#include "renderfm/math/vec.h"

namespace renderfm {

/// A grid of D x H x W voxels, stored x fastest: voxel (k, j, i) is element (k * H + j) * W + i.
struct Geometry {
  std::array<std::int64_t, 3> shape_zyx{0, 0, 0};  ///< D, H, W
  std::array<double, 3> spacing_zyx_mm{1, 1, 1};   ///< in array order, all positive
  Vec3d origin_mm{0, 0, 0};                        ///< world position of the centre of voxel (0, 0, 0)
  Mat3d direction = Mat3d::identity();  ///< columns: unit world directions of the x, y and z index axes

  std::int64_t depth() const { return shape_zyx[0]; }
  std::int64_t height() const { return shape_zyx[1]; }
  std::int64_t width() const { return shape_zyx[2]; }
  std::int64_t voxel_count() const { return shape_zyx[0] * shape_zyx[1] * shape_zyx[2]; }
  std::int64_t offset(std::int64_t k, std::int64_t j, std::int64_t i) const {
    return (k * shape_zyx[1] + j) * shape_zyx[2] + i;
  }
  Vec3d spacing_xyz_mm() const { return {spacing_zyx_mm[2], spacing_zyx_mm[1], spacing_zyx_mm[0]}; }
  double min_spacing_mm() const;
  double max_spacing_mm() const;

  /// Voxel index (x, y, z), whole numbers at voxel centres -> world mm.
  Vec3d world_from_index(Vec3d index_xyz) const;
  /// World mm -> voxel index (x, y, z).
  Vec3d index_from_world(Vec3d point_mm) const;
};

/// True where every corner voxel of `b` lies within `tolerance_mm` of the same voxel of `a`, shapes equal.
bool same_grid(const Geometry& a, const Geometry& b, double tolerance_mm);

}  // namespace renderfm
