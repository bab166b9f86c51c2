#include "renderfm/data/close_up.h"

#include <cmath>

#include "renderfm/math/rng.h"

namespace renderfm::data {

bool is_close_up(std::size_t n, double share) {
  const double before = static_cast<double>(n);
  return std::floor((before + 1) * share) > std::floor(before * share);
}

ViewSphere close_up_sphere(const ViewSphere& whole, const std::vector<StartPoint>& points,
                           const ViewDirection& direction, double zoom, std::uint64_t seed) {
  constexpr int kDraws = 256;
  constexpr double kLeastFacing = 0.3;  // cosine between the surface's normal and the way to the camera
  Pcg32 rng = Pcg32::from(seed, 0x7A6F6F6D);
  const Vec3d to_camera = direction_of(direction);
  ViewSphere sphere = whole;
  sphere.radius_mm /= std::exp(rng.uniform<double>() * std::log(zoom));
  for (int draw = 0; draw < kDraws && !points.empty(); ++draw) {
    const StartPoint& point = points[rng.below(static_cast<std::uint32_t>(points.size()))];
    const Vec3d position{point.position_mm.x, point.position_mm.y, point.position_mm.z};
    const Vec3d normal{point.normal.x, point.normal.y, point.normal.z};
    if (dot(position - whole.centre_mm, to_camera) < 0 || dot(normal, to_camera) < kLeastFacing) continue;
    sphere.centre_mm = position;
    break;
  }
  return sphere;
}

}  // namespace renderfm::data
