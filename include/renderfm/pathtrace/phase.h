// Scattering inside tissue: isotropic, or Henyey-Greenstein (1941).
#pragma once

#include "renderfm/pathtrace/sampling.h"

namespace renderfm::pathtrace {

/// Density over the sphere (1/sr) of turning by the angle with this cosine; 1 / (4 pi) for g = 0. The mean
/// cosine is g.
RFM_HD float phase_density(float g, float cosine) {
  if (g == 0) return 1.0F / (4.0F * kPi);
  const float base = 1.0F + g * g - 2.0F * g * cosine;
  return (1.0F - g * g) / (4.0F * kPi * base * square_root(base));
}

/// A new unit direction for light that travels along `direction`, with density phase_density().
RFM_HD Vec3f sample_phase(float g, Vec3f direction, Pcg32& random) {
  const float u = random.uniform<float>(), v = random.uniform<float>();
  if (g == 0) return sample_sphere(u, v);
  const float ratio = (1.0F - g * g) / (1.0F - g + 2.0F * g * u);
  const float cosine = (1.0F + g * g - ratio * ratio) / (2.0F * g);
  return direction_about(Frame(direction), cosine < -1 ? -1.0F : (cosine > 1 ? 1.0F : cosine), v);
}

}  // namespace renderfm::pathtrace
