// One sample of a pixel: a path from the camera that scatters off tissue and surfaces until it finds light,
// is absorbed or leaves. Shared by all devices; a Field tells how the scan is read.
#pragma once

#include <cmath>

#include "renderfm/medium/surface_probability.h"
#include "renderfm/pathtrace/pathtrace_params.h"
#include "renderfm/pathtrace/phase.h"

namespace renderfm::pathtrace {

inline constexpr int kRouletteAfter = 3;  ///< scatters that no path is cut short before

/// Clips a ray to the box [0, size]: the length at which it enters, or -1 where it misses.
RFM_HD float enter_box(Vec3f size, Vec3f origin, Vec3f direction) {
  float enter = 0, leave = 3.0e38F;
  for (int a = 0; a < 3; ++a) {
    const float d = direction[a];
    const float inverse = 1.0F / (d > -1e-9F && d < 1e-9F ? (d < 0 ? -1e-9F : 1e-9F) : d);
    const float low = -origin[a] * inverse, high = (size[a] - origin[a]) * inverse;
    const float first = low < high ? low : high, last = low < high ? high : low;
    enter = first > enter ? first : enter;
    leave = last < leave ? last : leave;
  }
  return enter < leave ? enter : -1.0F;
}

/// What a scatter does: all that depends on whether a surface or the phase function was drawn.
struct Scatter {
  bool surface;
  Vec3f normal;     ///< towards the viewer, for a surface
  Vec3f direction;  ///< of travel before the scatter
  Vec3f albedo;
  float phase_g;

  /// Scattered light per unit of radiance from the unit direction `in`, 1/sr, cosine included.
  RFM_HD Vec3f value(const SurfaceModel& model, Vec3f in) const {
    if (surface) return surface_value(model, albedo, normal, -direction, in).reflected;
    return albedo * phase_density(phase_g, dot(direction, in));
  }
  /// A direction to look for light in, and value / density of it; zero weight ends the path.
  RFM_HD Vec3f sample(const SurfaceModel& model, Pcg32& random, Vec3f& weight) const {
    if (!surface) {
      weight = albedo;
      return sample_phase(phase_g, direction, random);
    }
    const Vec3f in = sample_surface(model, albedo, normal, -direction, random);
    const SurfaceValue v = surface_value(model, albedo, normal, -direction, in);
    weight = v.density > 0 ? v.reflected * (1.0F / v.density) : Vec3f{0, 0, 0};
    return in;
  }
};

/// Light arriving at `origin_voxels` from the unit world direction `direction`; the sky itself is not seen.
/// PathSample::depth_mm is the length of the ray to the first collision.
template <class Field>
RFM_HD PathSample trace_path(const Field& field, const TraceParams& params, Vec3f origin_voxels,
                             Vec3f direction, Pcg32& random) {
  PathSample result{};
  const Vec3f voxels_per_mm = field.voxels_per_mm();
  const float entry = enter_box(field.size_voxels(), origin_voxels, direction * voxels_per_mm);
  if (entry < 0) return result;
  Vec3f point = origin_voxels + direction * voxels_per_mm * entry;
  Vec3f throughput{1, 1, 1}, rgb{0, 0, 0};
  const float escape_share = params.sky_sampling == SkySampling::kEscape
                                 ? 1.0F
                                 : (params.sky_sampling == SkySampling::kBoth ? 0.5F : 0.0F);
  for (int scatters = 0;; ++scatters) {
    float length_mm = 0;
    typename Field::Material material;
    if (!next_collision(field, params.grid, point, direction * voxels_per_mm, random, length_mm, material)) {
      if (scatters > 0) rgb = rgb + throughput * params.lights.sky(direction) * escape_share;
      break;
    }
    point = point + direction * voxels_per_mm * length_mm;
    if (scatters == params.max_scatters) {
      result.capped = true;
      break;
    }
    Scatter scatter{false, {0, 0, 0}, direction, field.albedo(material), field.phase_g()};
    if (params.surface_kappa_mm > 0) {
      const Vec3f gradient = field.opacity_gradient_per_mm(point);
      const float steepness = norm(gradient);
      const float probability = surface_probability(steepness, params.surface_kappa_mm);
      const Vec3f outward = steepness > 0 ? gradient * (-1.0F / steepness) : Vec3f{0, 0, 0};
      scatter.surface = random.uniform<float>() < probability;
      scatter.normal = dot(outward, direction) > 0 ? -outward : outward;
      if (scatters == 0) result.normal = outward * probability;
    }
    if (scatters == 0) {
      result.alpha = 1;
      result.depth_mm = entry + length_mm;
      result.albedo = scatter.albedo;
    }
    if (params.lights.has_key) {
      const Vec3f in = params.lights.sample_key(random);
      const Vec3f value = scatter.value(params.surface, in);
      if (max_component(value) > 0) {
        const float passed = estimate_transmittance(field, params.grid, point, in * voxels_per_mm, random);
        rgb =
            rgb + throughput * value * params.lights.key_radiance * (passed * params.lights.key_solid_angle);
      }
    }
    if (params.sky_sampling != SkySampling::kEscape) {
      Vec3f weight;
      const Vec3f in = scatter.sample(params.surface, random, weight);
      if (max_component(weight) > 0) {
        const float passed = estimate_transmittance(field, params.grid, point, in * voxels_per_mm, random);
        rgb = rgb + throughput * weight * params.lights.sky(in) * (passed * (1.0F - escape_share));
      }
    }
    Vec3f weight;
    direction = scatter.sample(params.surface, random, weight);
    throughput = throughput * weight;
    float brightest = max_component(throughput);
    if (!(brightest > 0)) break;
    if (scatters + 1 >= kRouletteAfter) {
      const float survival = brightest < params.roulette_survival ? brightest : params.roulette_survival;
      if (!(random.uniform<float>() < survival)) break;
      throughput = throughput * (1.0F / survival);
    }
  }
  result.rgb_linear = rgb;
  return result;
}

/// Sample `sample` of pixel (x, y), uniform over the pixel's square: the same on every thread, in any order.
template <class Field>
RFM_HD PathSample sample_pixel(const Field& field, const TraceParams& params, const CameraRays& rays, int x,
                               int y, std::uint64_t sample) {
  Pcg32 random = Pcg32::from(
      params.seed,
      static_cast<std::uint64_t>(y) * static_cast<std::uint64_t>(rays.width) + static_cast<std::uint64_t>(x),
      sample);
  const float px = static_cast<float>(x) + random.uniform<float>();
  const float py = static_cast<float>(y) + random.uniform<float>();
  const Vec3f ray = rays.corner + rays.right * px + rays.down * py;
  const float inverse = 1.0F / norm(ray);
  PathSample result = trace_path(field, params, rays.origin_voxels, ray * inverse, random);
  result.depth_mm *= inverse;
  return result;
}

}  // namespace renderfm::pathtrace
