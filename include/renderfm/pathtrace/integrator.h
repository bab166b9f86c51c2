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
  RFM_UNROLL
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

/// A path on its way, one flight and scatter at a time, so that a device may run many side by side and begin
/// another where one has ended.
template <class Field>
class Path {
 public:
  /// A ray from `origin_voxels` in the unit world direction `direction`; `random` is the sample's own. A
  /// camera's depth grows by `depth_per_mm` along it.
  RFM_HD void begin(const Field& field, Vec3f origin_voxels, Vec3f direction, const Pcg32& random,
                    float depth_per_mm = 1) {
    random_ = random;
    sample_ = PathSample{};
    direction_ = direction;
    throughput_ = {1, 1, 1};
    scatters_ = 0;
    depth_per_mm_ = depth_per_mm;
    const Vec3f voxels_per_mm = field.voxels_per_mm();
    entry_mm_ = enter_box(field.size_voxels(), origin_voxels, direction * voxels_per_mm);
    point_ = origin_voxels + direction * voxels_per_mm * entry_mm_;
  }

  /// Sample `sample` of pixel (x, y), uniform over the pixel's square: the same on every thread, in any
  /// order.
  RFM_HD void begin(const Field& field, const TraceParams& params, const CameraRays& rays, int x, int y,
                    std::uint64_t sample) {
    Pcg32 random = Pcg32::from(params.seed,
                               static_cast<std::uint64_t>(y) * static_cast<std::uint64_t>(rays.width) +
                                   static_cast<std::uint64_t>(x),
                               sample);
    const float px = static_cast<float>(x) + random.uniform<float>();
    const float py = static_cast<float>(y) + random.uniform<float>();
    const Vec3f ray = rays.corner + rays.right * px + rays.down * py;
    const float inverse = 1.0F / norm(ray);
    begin(field, rays.origin_voxels, ray * inverse, random, inverse);
  }

  /// Flies to the next collision and scatters there. False where the path has ended: sample() is complete.
  RFM_HD bool advance(const Field& field, const TraceParams& params) {
    if (entry_mm_ < 0) return false;
    const Vec3f voxels_per_mm = field.voxels_per_mm();
    const float escape_share = params.sky_sampling == SkySampling::kEscape
                                   ? 1.0F
                                   : (params.sky_sampling == SkySampling::kBoth ? 0.5F : 0.0F);
    float length_mm = 0;
    typename Field::Material material;
    if (!next_collision(field, params.grid, point_, direction_ * voxels_per_mm, random_, length_mm,
                        material)) {
      if (scatters_ > 0) add_light(throughput_ * params.lights.sky(direction_) * escape_share);
      return false;
    }
    point_ = point_ + direction_ * voxels_per_mm * length_mm;
    if (scatters_ == params.max_scatters) {
      sample_.capped = true;
      return false;
    }
    Scatter scatter{false, {0, 0, 0}, direction_, field.albedo(material), field.phase_g()};
    if (params.surface_kappa_mm > 0) {
      const Vec3f gradient = field.opacity_gradient_per_mm(point_);
      const float steepness = norm(gradient);
      const float probability = surface_probability(steepness, params.surface_kappa_mm);
      const Vec3f outward = steepness > 0 ? gradient * (-1.0F / steepness) : Vec3f{0, 0, 0};
      scatter.surface = random_.template uniform<float>() < probability;
      scatter.normal = dot(outward, direction_) > 0 ? -outward : outward;
      if (scatters_ == 0) sample_.normal = outward * probability;
    }
    if (scatters_ == 0) {
      sample_.alpha = 1;
      sample_.depth_mm = (entry_mm_ + length_mm) * depth_per_mm_;
      sample_.albedo = scatter.albedo;
    }
    if (params.lights.has_key) {
      const Vec3f in = params.lights.sample_key(random_);
      const Vec3f value = scatter.value(params.surface, in);
      if (max_component(value) > 0) {
        const float passed = estimate_transmittance(field, params.grid, point_, in * voxels_per_mm, random_);
        add_light(throughput_ * value * params.lights.key_radiance *
                  (passed * params.lights.key_solid_angle));
      }
    }
    if (params.sky_sampling != SkySampling::kEscape) {
      Vec3f weight;
      const Vec3f in = scatter.sample(params.surface, random_, weight);
      if (max_component(weight) > 0) {
        const float passed = estimate_transmittance(field, params.grid, point_, in * voxels_per_mm, random_);
        add_light(throughput_ * weight * params.lights.sky(in) * (passed * (1.0F - escape_share)));
      }
    }
    Vec3f weight;
    direction_ = scatter.sample(params.surface, random_, weight);
    throughput_ = throughput_ * weight;
    const float brightest = max_component(throughput_);
    if (!(brightest > 0)) return false;
    ++scatters_;
    if (scatters_ < kRouletteAfter) return true;
    const float survival = brightest < params.roulette_survival ? brightest : params.roulette_survival;
    if (!(random_.template uniform<float>() < survival)) return false;
    throughput_ = throughput_ * (1.0F / survival);
    return true;
  }

  RFM_HD const PathSample& sample() const { return sample_; }

 private:
  RFM_HD void add_light(Vec3f light) { sample_.rgb_linear = sample_.rgb_linear + light; }

  Pcg32 random_{0, 0};
  PathSample sample_{};
  Vec3f point_{}, direction_{};  // voxels; world, unit
  Vec3f throughput_{};
  float entry_mm_ = -1, depth_per_mm_ = 1;
  int scatters_ = 0;
};

/// Light arriving at `origin_voxels` from the unit world direction `direction`; the sky itself is not seen.
/// PathSample::depth_mm is the length of the ray to the first collision.
template <class Field>
RFM_HD PathSample trace_path(const Field& field, const TraceParams& params, Vec3f origin_voxels,
                             Vec3f direction, Pcg32& random) {
  Path<Field> path;
  path.begin(field, origin_voxels, direction, random);
  while (path.advance(field, params)) {
  }
  return path.sample();
}

/// Sample `sample` of pixel (x, y), from begin() to its end.
template <class Field>
RFM_HD PathSample sample_pixel(const Field& field, const TraceParams& params, const CameraRays& rays, int x,
                               int y, std::uint64_t sample) {
  Path<Field> path;
  path.begin(field, params, rays, x, y, sample);
  while (path.advance(field, params)) {
  }
  return path.sample();
}

}  // namespace renderfm::pathtrace
