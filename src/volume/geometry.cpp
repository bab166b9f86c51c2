#include "renderfm/volume/geometry.h"

#include <algorithm>

namespace renderfm {

double Geometry::min_spacing_mm() const {
  return *std::min_element(spacing_zyx_mm.begin(), spacing_zyx_mm.end());
}
double Geometry::max_spacing_mm() const {
  return *std::max_element(spacing_zyx_mm.begin(), spacing_zyx_mm.end());
}

Vec3d Geometry::world_from_index(Vec3d index_xyz) const {
  return origin_mm + direction * (index_xyz * spacing_xyz_mm());
}

Vec3d Geometry::index_from_world(Vec3d point_mm) const {
  const Vec3d along_axes_mm = inverse(direction) * (point_mm - origin_mm);
  const Vec3d spacing = spacing_xyz_mm();
  return {along_axes_mm.x / spacing.x, along_axes_mm.y / spacing.y, along_axes_mm.z / spacing.z};
}

bool same_grid(const Geometry& a, const Geometry& b, double tolerance_mm) {
  if (a.shape_zyx != b.shape_zyx) return false;
  for (int corner = 0; corner < 8; ++corner) {
    const Vec3d index{corner & 1 ? static_cast<double>(a.width() - 1) : 0.0,
                      corner & 2 ? static_cast<double>(a.height() - 1) : 0.0,
                      corner & 4 ? static_cast<double>(a.depth() - 1) : 0.0};
    if (norm(a.world_from_index(index) - b.world_from_index(index)) > tolerance_mm) return false;
  }
  return true;
}

}  // namespace renderfm
