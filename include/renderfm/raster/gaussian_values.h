// One 6D Gaussian as numbers: what kernels load, and what they give back as its gradient.
#pragma once

#include "renderfm/gaussian/layout.h"
#include "renderfm/math/vec.h"

namespace renderfm::raster {

/// Units and order as in GaussianSet. As a gradient every member holds dLoss/d(member).
template <class T>
struct GaussianValues {
  Vec3<T> position_mm;
  T sh[layout::kShCount];
  T opacity;
  Vec3<T> direction_mean;
  T chol[layout::kCholCount];
};

template <class T>
RFM_HD GaussianValues<T> zero_gaussian_gradient() {
  GaussianValues<T> v;
  v.position_mm = v.direction_mean = {T(0), T(0), T(0)};
  v.opacity = T(0);
  for (int k = 0; k < layout::kShCount; ++k) v.sh[k] = T(0);
  for (int k = 0; k < layout::kCholCount; ++k) v.chol[k] = T(0);
  return v;
}

}  // namespace renderfm::raster
