// Boxes of voxels.
#pragma once

#include <array>
#include <cstdint>

#include "renderfm/volume/volume.h"

namespace renderfm {

/// Voxels [begin, begin + shape) of a grid.
struct VoxelBox {
  std::array<std::int64_t, 3> begin_zyx{0, 0, 0}, shape_zyx{0, 0, 0};

  std::int64_t voxel_count() const { return shape_zyx[0] * shape_zyx[1] * shape_zyx[2]; }
  bool contains(std::int64_t k, std::int64_t j, std::int64_t i) const;
  bool operator==(const VoxelBox&) const = default;
};

/// All voxels of `grid`.
VoxelBox whole_box(const Geometry& grid);
/// `box` and `margin` voxels on every side, where `grid` has them.
VoxelBox grown(const VoxelBox& box, std::int64_t margin, const Geometry& grid);

/// The grid of the box's voxels, which stay where they are in the patient. Throws kRuntime where the box is
/// empty or leaves the grid.
Geometry crop(const Geometry& grid, const VoxelBox& box);
CtVolume crop(const CtVolume& ct, const VoxelBox& box);
/// Keeps the names of the labels that occur in the box.
LabelVolume crop(const LabelVolume& labels, const VoxelBox& box);

}  // namespace renderfm
