#include "renderfm/volume/crop.h"

#include <algorithm>

#include "renderfm/core/check.h"

namespace renderfm {
namespace {

template <class T>
std::vector<T> crop_voxels(const Volume<T>& volume, const VoxelBox& box) {
  std::vector<T> voxels;
  voxels.reserve(static_cast<std::size_t>(box.voxel_count()));
  for (std::int64_t k = 0; k < box.shape_zyx[0]; ++k) {
    for (std::int64_t j = 0; j < box.shape_zyx[1]; ++j) {
      const T* const row = &volume.at(box.begin_zyx[0] + k, box.begin_zyx[1] + j, box.begin_zyx[2]);
      voxels.insert(voxels.end(), row, row + box.shape_zyx[2]);
    }
  }
  return voxels;
}

}  // namespace

bool VoxelBox::contains(std::int64_t k, std::int64_t j, std::int64_t i) const {
  const std::array<std::int64_t, 3> index{k, j, i};
  for (int axis = 0; axis < 3; ++axis) {
    const std::int64_t inside = index[axis] - begin_zyx[axis];
    if (inside < 0 || inside >= shape_zyx[axis]) return false;
  }
  return true;
}

VoxelBox whole_box(const Geometry& grid) { return {{0, 0, 0}, grid.shape_zyx}; }

VoxelBox grown(const VoxelBox& box, std::int64_t margin, const Geometry& grid) {
  VoxelBox result;
  for (int axis = 0; axis < 3; ++axis) {
    const std::int64_t begin = std::max<std::int64_t>(0, box.begin_zyx[axis] - margin);
    const std::int64_t end =
        std::min(grid.shape_zyx[axis], box.begin_zyx[axis] + box.shape_zyx[axis] + margin);
    result.begin_zyx[axis] = begin;
    result.shape_zyx[axis] = end - begin;
  }
  return result;
}

Geometry crop(const Geometry& grid, const VoxelBox& box) {
  for (int axis = 0; axis < 3; ++axis) {
    RFM_CHECK(box.begin_zyx[axis] >= 0 && box.shape_zyx[axis] > 0 &&
                  box.begin_zyx[axis] + box.shape_zyx[axis] <= grid.shape_zyx[axis],
              "a box of {} voxels from {} does not lie within {} voxels (axis {})", box.shape_zyx[axis],
              box.begin_zyx[axis], grid.shape_zyx[axis], axis);
  }
  Geometry result = grid;
  result.shape_zyx = box.shape_zyx;
  result.origin_mm =
      grid.world_from_index({static_cast<double>(box.begin_zyx[2]), static_cast<double>(box.begin_zyx[1]),
                             static_cast<double>(box.begin_zyx[0])});
  return result;
}

CtVolume crop(const CtVolume& ct, const VoxelBox& box) {
  return {crop(ct.geometry, box), crop_voxels(ct, box)};
}

LabelVolume crop(const LabelVolume& labels, const VoxelBox& box) {
  LabelVolume result;
  result.geometry = crop(labels.geometry, box);
  result.voxels = crop_voxels(labels, box);
  std::array<bool, 256> present{};
  for (const std::uint8_t label : result.voxels) present[label] = true;
  for (const auto& [label, name] : labels.names) {
    if (present[label]) result.names[label] = name;
  }
  return result;
}

}  // namespace renderfm
