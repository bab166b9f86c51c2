// The light that a scan stands in.
#pragma once

#include <string>

#include "renderfm/math/vec.h"

namespace renderfm::pathtrace {

/// A sky, L = tint * (base + slope * (direction . superior)), and one key light: a cone at infinity. Fixed to
/// the patient, so that radiance does not change with the camera, unless `key_follows_camera`.
struct LightRig {
  float sky_base = 1;   ///< radiance
  float sky_slope = 0;  ///< at most sky_base in size
  Vec3f sky_tint{1, 1, 1};
  float key_radiance = 0;         ///< 0: no key light; irradiance on a facing plane is pi L sin^2(half angle)
  float key_half_angle_deg = 20;  ///< in (0, 90]
  /// Towards the light, LPS, any length; where it follows the camera: right, up and towards the viewer.
  Vec3d key_direction{-0.45, -0.75, 0.60};
  Vec3f key_tint{1, 1, 1};
  bool key_follows_camera = false;
};

/// "uniform" (the reference look), "studio" (sky and key light), "headlight" (for viewers alone), or a YAML
/// file of `sky: {base, slope, tint}` and `key: {radiance, half_angle_deg, direction, tint, follows_camera}`.
/// Throws kBadInput naming file, line and key, or listing the names.
LightRig light_rig(const std::string& name_or_yaml_path);

/// Throws kBadInput for values that light cannot have.
void check_light_rig(const LightRig& rig);

}  // namespace renderfm::pathtrace
