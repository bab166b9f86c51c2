// The tracer in clouds against closed forms. Every mean is judged at 4 standard errors (99.994 %), with fixed
// seeds; the transmittances and the slab fail for an extinction that is wrong by 2 %. Half-spaces, white
// clouds, reciprocity and comparisons of two scenes do not depend on its scale.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "renderfm/pathtrace/integrator.h"
#include "renderfm/pathtrace/path_tracer.h"
#include "unit/pathtrace/statistics.h"

namespace renderfm::pathtrace {
namespace {

using test::Estimate;
using test::estimate;

DensityGrid grid(std::array<std::int64_t, 3> shape_zyx, std::array<double, 3> spacing_zyx_mm,
                 const std::function<double(Vec3d)>& sigma_of_index_xyz) {
  DensityGrid result;
  result.geometry.shape_zyx = shape_zyx;
  result.geometry.spacing_zyx_mm = spacing_zyx_mm;
  for (std::int64_t k = 0; k < shape_zyx[0]; ++k) {
    for (std::int64_t j = 0; j < shape_zyx[1]; ++j) {
      for (std::int64_t i = 0; i < shape_zyx[2]; ++i) {
        result.sigma_t_per_mm.push_back(static_cast<float>(
            sigma_of_index_xyz({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)})));
      }
    }
  }
  return result;
}

/// A layer across z that is as good as endless sideways: sigma 1 per mm, the given thickness.
DensityGrid layer(double thickness_mm, float albedo) {
  DensityGrid result = grid({16, 3, 3}, {thickness_mm / 16, 4000, 4000}, [](Vec3d) { return 1.0; });
  result.albedo = {albedo, albedo, albedo};
  return result;
}

PathTraceOptions dark_sky() {
  PathTraceOptions options;
  options.rig.sky_base = 0;
  return options;
}

/// The radiance of one colour channel from paths that start at `origin_voxels` along `direction`.
struct Tracing {
  PathTracer tracer;
  TraceParams params;

  Tracing(const DensityGrid& density, const PathTraceOptions& options)
      : tracer(density, options), params(tracer.params(Camera{})) {}
  PathSample trace(Vec3f origin_voxels, Vec3f direction, Pcg32& random) const {
    return trace_path(DensityField(*tracer.density()), params, origin_voxels, direction, random);
  }
  Estimate radiance(std::uint64_t seed, std::int64_t count, Vec3f origin_voxels, Vec3f direction) const {
    return estimate(seed, count,
                    [&](Pcg32& random) { return trace(origin_voxels, direction, random).rgb_linear.x; });
  }
};

Vec3f tilted(double cosine, double azimuth) {
  const double sine = std::sqrt(1 - cosine * cosine);
  return {static_cast<float>(sine * std::cos(azimuth)), static_cast<float>(sine * std::sin(azimuth)),
          static_cast<float>(cosine)};
}

TEST(ClosedForms, TransmittanceIsBeerLambertsAlongObliqueRays) {
  struct Case {
    const char* name;
    DensityGrid density;
    std::function<double(double)> sigma;  // of the voxel coordinate x
  };
  const double base = 0.01, slope = 0.004;
  const Case cases[] = {
      {"constant", grid({11, 9, 23}, {2.0, 0.9, 1.3}, [](Vec3d) { return 0.05; }),
       [](double) { return 0.05; }},
      // Along x over several cells; the values end half a voxel before the box.
      {"ramp", grid({11, 9, 23}, {2.0, 0.9, 1.3}, [&](Vec3d p) { return base + slope * p.x; }),
       [&](double x) { return base + slope * (std::clamp(x, 0.5, 22.5) - 0.5); }}};
  const Vec3f origin{0.3F, 1.2F, 2.1F};
  const Vec3f direction = normalised(Vec3f{0.8F, 0.12F, 0.33F});
  for (const Case& c : cases) {
    for (const int edge : {1, 2, 4, 64}) {
      SCOPED_TRACE(testing::Message() << c.name << ", cells of " << edge);
      PathTraceOptions options;
      options.cell_voxels = edge;
      const Tracing t(c.density, options);
      const DensityField field(*t.tracer.density());
      const Vec3f step = direction * field.voxels_per_mm();  // voxels per mm
      const double length =
          std::min({(23 - 0.3) / static_cast<double>(step.x), (9 - 1.2) / static_cast<double>(step.y),
                    (11 - 2.1) / static_cast<double>(step.z)});
      double depth = 0;
      constexpr int kSteps = 20000;
      for (int i = 0; i < kSteps; ++i) {
        depth += c.sigma(0.3 + static_cast<double>(step.x) * length * (i + 0.5) / kSteps) * length / kSteps;
      }
      const double truth = std::exp(-depth);
      EXPECT_MEAN(
          estimate(11, 200'000,
                   [&](Pcg32& random) {
                     float at = 0;
                     DensityField::Material material;
                     return next_collision(field, t.params.grid, origin, step, random, at, material) ? 0 : 1;
                   }),
          truth);
      EXPECT_MEAN(estimate(12, 200'000,
                           [&](Pcg32& random) {
                             return estimate_transmittance(field, t.params.grid, origin, step, random);
                           }),
                  truth);
      // From outside, so that the box is entered first.
      EXPECT_MEAN(estimate(13, 200'000,
                           [&](Pcg32& random) {
                             return 1 - t.trace(origin - step * 50.0F, direction, random).alpha;
                           }),
                  std::exp(-depth - 0.3 / static_cast<double>(step.x) * (c.sigma(0.15))));
    }
  }
}

TEST(ClosedForms, SingleScatteringInASlabIsTheTextbooks) {
  PathTraceOptions options = dark_sky();
  options.max_scatters = 1;
  options.rig.key_half_angle_deg = 0.5F;
  const double sine = std::sin(0.5 * M_PI / 180);
  options.rig.key_radiance = static_cast<float>(1 / (M_PI * sine * sine));  // irradiance 1
  const Vec3f light = tilted(0.6, 1.0);
  options.rig.key_direction = {light.x, light.y, light.z};
  const Tracing slab(layer(1, 0.8F), options);
  // 0.8 / 4 pi mu0 / (mu + mu0) (1 - exp(-1/mu - 1/mu0)), and mu0 / (mu - mu0) (exp(-1/mu) - exp(-1/mu0)).
  EXPECT_MEAN(slab.radiance(21, 1'000'000, {1.5F, 1.5F, 17}, -tilted(0.7, 0)), 0.0280525);
  EXPECT_MEAN(slab.radiance(22, 1'000'000, {1.5F, 1.5F, -1}, tilted(0.7, 0)), 0.0193948);
}

TEST(ClosedForms, AHalfSpaceReflectsWhatChandrasekharsHFunctionSays) {
  PathTraceOptions options;
  options.max_scatters = 4000;
  struct Case {
    float albedo;
    double normal, diffuse;
  };
  for (const Case& c : {Case{0.5F, 0.11523, 0.14654}, Case{0.8F, 0.28525, 0.34187},
                        Case{0.9F, 0.41495, 0.47802}, Case{0.99F, 0.75272, 0.79456}}) {
    SCOPED_TRACE(testing::Message() << "albedo " << c.albedo);
    const Tracing half(layer(80, c.albedo), options);
    // Under a white sky the radiance that leaves in a direction is the plane albedo for light from there.
    EXPECT_MEAN(half.radiance(31, 150'000, {1.5F, 1.5F, 17}, {0, 0, -1}), c.normal);
    EXPECT_MEAN(
        estimate(32, 150'000,
                 [&](Pcg32& random) {
                   const float u = random.uniform<float>(), v = random.uniform<float>();
                   return half.trace({1.5F, 1.5F, 17}, -sample_cosine_hemisphere(u, v), random).rgb_linear.x;
                 }),
        c.diffuse);
  }
}

TEST(ClosedForms, AWhiteCloudUnderAWhiteSkyIsInvisible) {
  for (const SkySampling sampling : {SkySampling::kEscape, SkySampling::kShadowRay, SkySampling::kBoth}) {
    for (const float g : {0.0F, 0.6F}) {
      SCOPED_TRACE(testing::Message() << "sampling " << static_cast<int>(sampling) << ", g " << g);
      PathTraceOptions options;
      options.max_scatters = 100'000;
      options.sky_sampling = sampling;
      DensityGrid cloud = grid({9, 7, 8}, {1.5, 2.0, 1.0}, [](Vec3d p) { return 0.1 + 0.05 * p.x; });
      cloud.albedo = {1, 1, 1};
      cloud.phase_g = g;
      const Tracing t(cloud, options);
      const Vec3f direction = normalised(Vec3f{0.4F, 0.5F, 0.6F});
      EXPECT_MEAN(estimate(41, 60'000,
                           [&](Pcg32& random) {
                             const PathSample path = t.trace({2, 2, 2}, direction, random);
                             EXPECT_FALSE(path.capped);
                             return path.rgb_linear.x + 1 - path.alpha;
                           }),
                  1.0);
    }
  }
}

TEST(ClosedForms, BeamAndDetectorMayChangePlaces) {
  const auto reflected = [&](double to_light, double to_viewer, std::uint64_t seed) {
    PathTraceOptions options = dark_sky();
    options.max_scatters = 1000;
    options.rig.key_half_angle_deg = 1;
    options.rig.key_radiance = 1000;
    const Vec3f light = tilted(to_light, 2.0);
    options.rig.key_direction = {light.x, light.y, light.z};
    DensityGrid slab = layer(1.5, 0.9F);
    slab.phase_g = 0.5F;
    const Tracing t(slab, options);
    Estimate e = t.radiance(seed, 300'000, {1.5F, 1.5F, 17}, -tilted(to_viewer, 0));
    e.mean /= to_light;  // per irradiance
    e.standard_error /= to_light;
    return e;
  };
  const Estimate a = reflected(0.9, 0.35, 51), b = reflected(0.35, 0.9, 52);
  EXPECT_LE(std::abs(a.mean - b.mean), test::kMaxErrors * std::hypot(a.standard_error, b.standard_error))
      << a.mean << " and " << b.mean;
}

TEST(ClosedForms, CellSizesAndSkippingDoNotChangeTheMean) {
  // Two blobs far apart: empty space between and around them.
  const auto blobs = [](Vec3d p) {
    const auto ball = [&](Vec3d c, double r) { return norm(p - c) < r ? 0.8 : 0.0; };
    return ball({9, 10, 8}, 4) + ball({30, 22, 25}, 6);
  };
  DensityGrid density = grid({36, 33, 40}, {1.5, 1.5, 1.5}, blobs);
  PathTraceOptions options;
  const auto mean = [&](int edge, bool skip, std::uint64_t seed) {
    options.cell_voxels = edge;
    options.skip_empty = skip;
    const Tracing t(density, options);
    return estimate(seed, 60'000, [&](Pcg32& random) {
      const Vec3f origin{40 * random.uniform<float>(), 33 * random.uniform<float>(), -20};
      return t.trace(origin, normalised(Vec3f{0.1F, 0.05F, 1}), random).rgb_linear.x;
    });
  };
  const Estimate truth = mean(64, false, 61);
  EXPECT_GT(truth.mean, 0.02);
  std::uint64_t seed = 62;
  for (const int edge : {1, 2, 4, 8}) {
    for (const bool skip : {false, true}) {
      const Estimate e = mean(edge, skip, seed++);
      EXPECT_LE(std::abs(e.mean - truth.mean),
                test::kMaxErrors * std::hypot(e.standard_error, truth.standard_error))
          << "cells of " << edge << ", skip " << skip << ": " << e.mean << " and " << truth.mean;
    }
  }
}

TEST(ClosedForms, OnlyOpticalDepthsCount) {
  const auto ramp = [](double scale) {
    return [scale](Vec3d p) { return scale * (0.02 + 0.01 * p.x + 0.005 * p.z); };
  };
  PathTraceOptions options;
  const Tracing small(grid({12, 12, 12}, {1, 1, 1}, ramp(1)), options);
  const Tracing large(grid({12, 12, 12}, {2, 2, 2}, ramp(0.5)), options);
  const Vec3f direction = normalised(Vec3f{0.3F, 0.2F, 1});
  const Estimate a = small.radiance(71, 200'000, {4, 4, -3}, direction),
                 b = large.radiance(72, 200'000, {4, 4, -3}, direction);
  EXPECT_LE(std::abs(a.mean - b.mean), test::kMaxErrors * std::hypot(a.standard_error, b.standard_error));
}

TEST(ClosedForms, RotatedScenesLookTheSame) {
  const auto sigma = [](Vec3d p) { return 0.02 + 0.03 * p.x + 0.01 * p.y; };
  const Tracing straight(grid({7, 9, 12}, {1.1, 0.8, 1.3},
                              [&](Vec3d p) {
                                return sigma({p.x, p.y, 0});
                              }),
                         {});
  // x -> y, y -> z, z -> x, and the new x mirrored.
  const Tracing turned(grid({9, 12, 7}, {0.8, 1.3, 1.1}, [&](Vec3d p) { return sigma({p.y, p.z, 0}); }), {});
  const Vec3f d = normalised(Vec3f{0.7F, 0.3F, 0.4F});
  const Estimate a = straight.radiance(81, 300'000, {1, 2, 1}, d),
                 b = turned.radiance(82, 300'000, {6, 1, 2}, {-d.z, d.x, d.y});
  EXPECT_LE(std::abs(a.mean - b.mean), test::kMaxErrors * std::hypot(a.standard_error, b.standard_error));
}

TEST(ClosedForms, AConeOfLightBrightensAFacetByItsProjectedSolidAngle) {
  const double angle = 20 * M_PI / 180;
  PathTraceOptions options;
  options.rig = light_rig("studio");
  options.rig.key_direction = {0, 0, 1};
  options.rig.key_radiance = 3;
  options.rig.key_tint = {1, 1, 1};
  const Tracing t(layer(1, 0.5F), options);
  const auto irradiance = [&](double tilt, std::uint64_t seed) {
    const Vec3f normal{static_cast<float>(std::sin(tilt)), 0, static_cast<float>(std::cos(tilt))};
    return estimate(seed, 200'000, [&](Pcg32& random) {
      const float cosine = dot(normal, t.params.lights.sample_key(random));
      return cosine > 0 ? t.params.lights.key_radiance.x * t.params.lights.key_solid_angle * cosine : 0.0F;
    });
  };
  for (const double tilt : {0.0, 0.4, 1.1}) {
    EXPECT_MEAN(irradiance(tilt, 91), 3 * M_PI * std::sin(angle) * std::sin(angle) * std::cos(tilt));
  }
  // Half of it below the horizon.
  EXPECT_MEAN(irradiance(M_PI / 2, 92), 3 * (angle - std::sin(angle) * std::cos(angle)));
}

TEST(ClosedForms, FreePathsAreExponentialAndDirectionsUniform) {
  for (int i = 1; i <= 1 << 16; ++i) {
    const float x = static_cast<float>(i) / (1 << 16);
    const double truth = -std::log(static_cast<double>(x));
    ASSERT_NEAR(negative_log(x), truth, 5e-7 * std::max(truth, 1e-5)) << x;
  }
  for (int i = 0; i < 4096; ++i) {
    const CosSin c = unit_circle(static_cast<float>(i) / 4096);
    ASSERT_NEAR(c.cos * c.cos + c.sin * c.sin, 1, 2e-6);
  }
  EXPECT_MEAN(estimate(101, 300'000, [](Pcg32& r) { return sample_optical_depth(r); }), 1.0);
  EXPECT_MEAN(estimate(102, 300'000, [](Pcg32& r) { return unit_circle(r.uniform<float>()).cos; }), 0.0);
  for (const float g : {-0.4F, 0.0F, 0.7F}) {
    const Vec3f forward = normalised(Vec3f{0.2F, -0.5F, 0.4F});
    EXPECT_MEAN(estimate(103, 300'000, [&](Pcg32& r) { return dot(forward, sample_phase(g, forward, r)); }),
                static_cast<double>(g));
    double sum = 0;
    for (int i = 0; i < 20000; ++i)
      sum += 2 * M_PI * static_cast<double>(phase_density(g, -1 + (static_cast<float>(i) + 0.5F) / 10000)) /
             10000;
    EXPECT_NEAR(sum, 1, 1e-4);
  }
}

}  // namespace
}  // namespace renderfm::pathtrace
