#include "renderfm/gaussian/foreground.h"

#include <algorithm>
#include <cmath>

#include "renderfm/core/check.h"

namespace renderfm {
namespace {

template <class T>
std::vector<T> select_entries(const std::vector<T>& values, const std::vector<std::uint8_t>& keep) {
  std::vector<T> kept;
  for (std::size_t n = 0; n < values.size(); ++n) {
    if (keep[n]) kept.push_back(values[n]);
  }
  return kept;
}

Vec3d centre_of(const Geometry& grid, std::int64_t offset) {
  const std::int64_t row = offset / grid.width();
  return grid.world_from_index({static_cast<double>(offset % grid.width()),
                                static_cast<double>(row % grid.height()),
                                static_cast<double>(row / grid.height())});
}

}  // namespace

Foreground select(const Foreground& foreground, const std::vector<std::uint8_t>& keep) {
  RFM_CHECK(keep.size() == foreground.voxel.size(), "{} flags for {} foreground voxels", keep.size(),
            foreground.voxel.size());
  Foreground kept;
  kept.grid = foreground.grid;
  kept.label_names = foreground.label_names;
  kept.voxel = select_entries(foreground.voxel, keep);
  kept.sigma_t_per_mm = select_entries(foreground.sigma_t_per_mm, keep);
  kept.srgb = select_entries(foreground.srgb, keep);
  kept.lit_srgb = select_entries(foreground.lit_srgb, keep);
  kept.inward_normal = select_entries(foreground.inward_normal, keep);
  kept.exposure = select_entries(foreground.exposure, keep);
  kept.label = select_entries(foreground.label, keep);
  return kept;
}

ViewSphere view_sphere_of(const Geometry& grid, const std::vector<std::int64_t>& offsets) {
  RFM_CHECK(!offsets.empty(), "a view sphere needs at least one voxel");
  Vec3d low = centre_of(grid, offsets.front()), high = low;
  for (const std::int64_t offset : offsets) {
    const Vec3d point = centre_of(grid, offset);
    for (int axis = 0; axis < 3; ++axis) {
      low[axis] = std::min(low[axis], point[axis]);
      high[axis] = std::max(high[axis], point[axis]);
    }
  }
  ViewSphere sphere{(low + high) * 0.5, 0};
  for (const std::int64_t offset : offsets) {
    sphere.radius_mm = std::max(sphere.radius_mm, norm(centre_of(grid, offset) - sphere.centre_mm));
  }
  // A single voxel still has an extent to look at.
  sphere.radius_mm = std::max(sphere.radius_mm, grid.max_spacing_mm());
  return sphere;
}

}  // namespace renderfm
