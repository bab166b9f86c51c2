// Views from near by: what someone sees who enlarges a picture, and what a whole scan in few pixels does not
// teach.
#pragma once

#include <cstdint>
#include <vector>

#include "renderfm/data/case.h"
#include "renderfm/data/view_plan.h"

namespace renderfm::data {

/// Up to here a close-up's camera stays outside the view sphere: its distance to a point of the near half is
/// radius / (zoom sin(15 deg)), which must not be less than the radius.
inline constexpr double kMaxZoom = 3.8;

/// Whether view n of a list is a close-up: they are spread evenly over it.
bool is_close_up(std::size_t n, double share);

/// The sphere for orbit_camera around a surface point of the near half that faces `direction`, up to `zoom`
/// times smaller than `whole` (log-uniform). Where there is no such point, around the whole's centre.
ViewSphere close_up_sphere(const ViewSphere& whole, const std::vector<StartPoint>& points,
                           const ViewDirection& direction, double zoom, std::uint64_t seed);

}  // namespace renderfm::data
