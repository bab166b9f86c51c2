// How much light a body of many scatterers sends back.
#pragma once

#include <cmath>

#include "renderfm/math/hd.h"

namespace renderfm {

inline constexpr float kSurfaceReflectance = 0.04F;  ///< of the wet coat at normal incidence, Schlick's F0

/// Share of even light that a deep body returns, in the two-stream approximation (Schuster 1905): light goes
/// in or out; a scatter keeps `albedo` of it and turns the share `backward` round. With a half, as isotropic
/// scattering has it, this is (1 - g) / (1 + g), g = sqrt(1 - albedo), Hapke's diffusive reflectance.
/// `albedo` and `backward` in [0, 1].
RFM_HD float two_stream_reflectance(float albedo, float backward) {
  const float turned = albedo * backward, lost = 1 - albedo + turned;
  return turned / (lost + std::sqrt(lost * lost - turned * turned));
}

/// The same under the coat, which reflects its own share first.
RFM_HD float body_reflectance(float albedo, float backward) {
  return kSurfaceReflectance + (1 - kSurfaceReflectance) * two_stream_reflectance(albedo, backward);
}

}  // namespace renderfm
