// Light from outside the scan: a sky that brightens towards the head, and one key light, a cone at infinity.
#pragma once

#include "renderfm/pathtrace/sampling.h"

namespace renderfm::pathtrace {

struct Lights {
  Vec3f sky_base;         ///< radiance b of L = b + s (direction . superior)
  Vec3f sky_slope;        ///< s
  Vec3f key_direction;    ///< unit, towards the light, LPS
  Vec3f key_radiance;     ///< zero: there is none
  float key_cos_angle;    ///< cosine of the cone's half angle
  float key_solid_angle;  ///< 2 pi (1 - cosine), sr
  bool has_key;

  /// Radiance that arrives from the unit direction; the key light is not in it.
  RFM_HD Vec3f sky(Vec3f direction) const { return sky_base + sky_slope * direction.z; }
  /// Uniform over the cone: density 1 / key_solid_angle.
  RFM_HD Vec3f sample_key(Pcg32& random) const {
    const float cosine = 1.0F - random.uniform<float>() * (1.0F - key_cos_angle);
    return direction_about(Frame(key_direction), cosine, random.uniform<float>());
  }
};

}  // namespace renderfm::pathtrace
