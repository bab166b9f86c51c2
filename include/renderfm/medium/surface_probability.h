// How likely tissue scatters as a surface rather than as a cloud, from the gradient of the blurred opacity.
#pragma once

#include <cmath>

#include "renderfm/math/hd.h"

namespace renderfm {

inline constexpr float kSurfaceKappa_mm = 20;

/// p_s = 1 - exp(-κ |g|) (Kroes et al. 2012) of an opacity gradient of `steepness` per mm.
RFM_HD float surface_probability(float steepness_per_mm, float kappa_mm = kSurfaceKappa_mm) {
  return 1.0F - ::expf(-kappa_mm * steepness_per_mm);
}

}  // namespace renderfm
