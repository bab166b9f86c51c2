// A pinhole camera in patient space and the view sphere that every orbit lies on.
#pragma once

#include <array>

#include "renderfm/math/vec.h"

namespace renderfm {

/// OpenCV axes (x right, y down, z forward), pixel centres at +0.5, world in LPS mm.
struct Camera {
  int width = 0, height = 0;              ///< pixels
  double fx = 0, fy = 0, cx = 0, cy = 0;  ///< pixels
  Mat3d rotation = Mat3d::identity();     ///< camera_from_world: rows are the camera's axes in the world
  Vec3d position_mm{0, 0, 0};             ///< of the optical centre

  Vec3d camera_from_world(Vec3d point_mm) const { return rotation * (point_mm - position_mm); }
};

/// The sphere that holds a scan's visible voxels.
struct ViewSphere {
  Vec3d centre_mm{0, 0, 0};
  double radius_mm = 1;
};

inline constexpr double kFieldOfViewDeg = 30;  ///< of the shorter image side

/// The camera of `renderfm-render`: azimuth 0 looks at the patient's front, 90 at the left side, elevation
/// towards the head; at distance radius / sin(15 deg); +z is up.
Camera orbit_camera(const ViewSphere& sphere, double azimuth_deg, double elevation_deg, int width,
                    int height);

}  // namespace renderfm
