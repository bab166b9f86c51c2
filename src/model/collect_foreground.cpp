#include "renderfm/model/collect_foreground.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/math/srgb.h"
#include "renderfm/medium/ambient_light.h"

namespace renderfm {
namespace {

constexpr float kMaxAlbedo = 0.98F;

/// A surface of albedo ρ that sees the sky over a share A of its hemisphere and itself, equally lit, over the
/// rest: radiance E = A + (1 - A) ρ E, times ρ.
float lit_radiance(float albedo, float sky_share) { return albedo * sky_share / (1 - albedo * (1 - sky_share)); }

}  // namespace

Foreground collect_foreground(const Medium& medium, const LabelVolume& labels) {
  Foreground foreground;
  foreground.grid = medium.geometry();
  const std::int64_t voxels = foreground.grid.voxel_count();
  for (std::int64_t voxel = 0; voxel < voxels; ++voxel) {
    if (medium.foreground(voxel)) foreground.voxel.push_back(voxel);
  }
  if (foreground.voxel.empty()) {
    fail_input("this transfer function and organ choice show nothing of the scan; choose another --tf or --organs");
  }
  AmbientLight light = compute_ambient_light(medium, foreground.voxel);
  foreground.exposure = std::move(light.exposure);

  const auto count = foreground.size();
  foreground.sigma_t_per_mm.resize(count);
  foreground.lit_srgb.resize(count);
  foreground.inward_normal.resize(count);
  foreground.label.resize(count);
  parallel_for(0, count, 8192, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      const std::int64_t voxel = foreground.voxel[n];
      foreground.sigma_t_per_mm[n] = medium.sigma_t_per_mm()[voxel];
      foreground.label[n] = medium.label(voxel);
      const Vec3f srgb = medium.srgb(voxel);
      for (int channel = 0; channel < 3; ++channel) {
        const float albedo = std::min(kMaxAlbedo, linear_from_srgb(srgb[channel]));
        foreground.lit_srgb[n][channel] = srgb_from_linear(lit_radiance(albedo, light.received[n]));
      }
      const Vec3f gradient = medium.opacity_gradient_per_mm(voxel);
      const float steepness = norm(gradient);
      foreground.inward_normal[n] =
          steepness > 0 ? gradient * (surface_probability(gradient) / steepness) : Vec3f{0, 0, 0};
    }
  });
  std::array<bool, 256> present{};
  for (const std::uint8_t label : foreground.label) present[label] = true;
  for (const auto& [label, name] : labels.names) {
    if (present[label]) foreground.label_names[label] = name;
  }
  return foreground;
}

}  // namespace renderfm
