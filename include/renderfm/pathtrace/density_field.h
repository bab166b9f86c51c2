// A cloud: extinction given at voxel centres, one albedo, no surfaces. What other volume renderers call a
// heterogeneous medium, for comparisons with them and with closed forms.
#pragma once

#include <cstdint>

#include "renderfm/pathtrace/medium_field.h"

namespace renderfm::pathtrace {

struct DensityPointers {
  const float* sigma_t_per_mm;  ///< [depth + 2 pad, height + 2 pad, width + 2 pad], at voxel centres
  int width, height, depth;
  Vec3f albedo;  ///< linear RGB
  Vec3f voxels_per_mm;
  float phase_g;
};

class DensityField {
 public:
  struct Material {};

  RFM_HD explicit DensityField(const DensityPointers& density)
      : d_(density),
        row_(density.width + 2 * kTablePad),
        slice_(static_cast<std::int64_t>(row_) * (density.height + 2 * kTablePad)) {}

  RFM_HD Vec3f size_voxels() const {
    return {static_cast<float>(d_.width), static_cast<float>(d_.height), static_cast<float>(d_.depth)};
  }
  RFM_HD Vec3f voxels_per_mm() const { return d_.voxels_per_mm; }
  RFM_HD float phase_g() const { return d_.phase_g; }

  RFM_HD float extinction(Vec3f point_voxels, std::uint32_t, Material&) const {
    const Vec3f p{point_voxels.x + (kTablePad - 0.5F), point_voxels.y + (kTablePad - 0.5F),
                  point_voxels.z + (kTablePad - 0.5F)};
    const int x = static_cast<int>(p.x), y = static_cast<int>(p.y), z = static_cast<int>(p.z);
    const float fx = p.x - static_cast<float>(x), fy = p.y - static_cast<float>(y),
                fz = p.z - static_cast<float>(z);
    const float* at = d_.sigma_t_per_mm + (z * slice_ + (y * row_ + x));
    const float y0 = between(at, fx), y1 = between(at + row_, fx);
    const float y2 = between(at + slice_, fx), y3 = between(at + slice_ + row_, fx);
    const float z0 = y0 + (y1 - y0) * fy, z1 = y2 + (y3 - y2) * fy;
    return z0 + (z1 - z0) * fz;
  }
  RFM_HD Vec3f albedo(const Material&) const { return d_.albedo; }
  RFM_HD Vec3f opacity_gradient_per_mm(Vec3f) const { return {0, 0, 0}; }

 private:
  RFM_HD static float between(const float* at, float f) { return at[0] + (at[1] - at[0]) * f; }

  const DensityPointers& d_;
  std::int64_t row_, slice_;
};

}  // namespace renderfm::pathtrace
