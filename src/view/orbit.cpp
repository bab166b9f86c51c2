#include <algorithm>
#include <cmath>
#include <numbers>

#include "renderfm/view/camera.h"

namespace renderfm {
namespace {

// Looking straight down the z axis there is no up; the last elevation that has one lends it.
constexpr double kMaxUpElevationDeg = 89.9;

Vec3d orbit_direction(double azimuth_rad, double elevation_rad) {
  return {std::sin(azimuth_rad) * std::cos(elevation_rad), -std::cos(azimuth_rad) * std::cos(elevation_rad),
          std::sin(elevation_rad)};
}

}  // namespace

Camera orbit_camera(const ViewSphere& sphere, double azimuth_deg, double elevation_deg, int width,
                    int height) {
  constexpr double kRadPerDeg = std::numbers::pi / 180;
  const double azimuth_rad = azimuth_deg * kRadPerDeg;
  const double half_view_rad = 0.5 * kFieldOfViewDeg * kRadPerDeg;

  Camera camera;
  camera.width = width;
  camera.height = height;
  camera.fx = camera.fy = 0.5 * std::min(width, height) / std::tan(half_view_rad);
  camera.cx = 0.5 * width;
  camera.cy = 0.5 * height;

  const Vec3d backward = orbit_direction(azimuth_rad, elevation_deg * kRadPerDeg);
  const double up_elevation_deg = std::clamp(elevation_deg, -kMaxUpElevationDeg, kMaxUpElevationDeg);
  const Vec3d level = orbit_direction(azimuth_rad, up_elevation_deg * kRadPerDeg);
  const Vec3d right = normalised(cross(Vec3d{0, 0, 1}, level));
  const Vec3d down = cross(-backward, right);
  camera.position_mm = sphere.centre_mm + backward * (sphere.radius_mm / std::sin(half_view_rad));
  for (int j = 0; j < 3; ++j) {
    camera.rotation[0][j] = right[j];
    camera.rotation[1][j] = down[j];
    camera.rotation[2][j] = -backward[j];
  }
  return camera;
}

}  // namespace renderfm
