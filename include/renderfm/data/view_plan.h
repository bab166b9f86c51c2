// Where a case is looked at from.
#pragma once

#include <cstdint>
#include <vector>

#include "renderfm/view/camera.h"

namespace renderfm::data {

/// Angles as orbit_camera takes them.
struct ViewDirection {
  double azimuth_deg = 0, elevation_deg = 0;
};

struct ViewPlan {
  std::vector<ViewDirection> train, test;
  double least_test_angle_deg =
      0;  ///< between a test view and the training view next to it; 0 without either
};

/// Unit vector from the sphere's centre towards the camera, LPS.
Vec3d direction_of(const ViewDirection& view);

/// train + test directions of a spherical Fibonacci lattice (Gonzalez 2010), turned at random; the test views
/// are chosen far apart from one another. No two are closer than about 1.5 / sqrt(train + test) rad.
ViewPlan plan_views(int train, int test, std::uint64_t seed);

}  // namespace renderfm::data
