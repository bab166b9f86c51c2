// Labelled scans: what a collision meets, where surfaces lie, and that the hybrid of surface and cloud keeps
// energy. Means are judged at 4 standard errors (99.994 %), fixed seeds; the labelled box fails for an
// extinction that is wrong by 2 %.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cmath>
#include <vector>

#include "renderfm/pathtrace/integrator.h"
#include "renderfm/pathtrace/path_tracer.h"
#include "unit/pathtrace/scenes.h"
#include "unit/pathtrace/statistics.h"

namespace renderfm::pathtrace {
namespace {

using test::Estimate;
using test::estimate;
using test::kFewer;

/// Two organs side by side with a wavy border, HU that vary, and tables that rise and fall again.
Medium mixed(double spacing_mm, bool gradient_opacity) {
  TransferFunction tf;
  tf.layers = {
      {{"liver"},
       {{-200, 0}, {0, 0.9}, {60, 0.05}, {200, 0.5}},
       {{-200, {0.9F, 0.2F, 0.1F}}, {200, {0.2F, 0.9F, 0.3F}}},
       {}},
      {{"spleen"}, {{-100, 0.3}, {40, 0}, {41, 0.8}, {50, 0.8}, {51, 0}}, {{0, {0.3F, 0.4F, 1}}}, {}}};
  if (gradient_opacity) tf.layers[0].gradient_opacity = {{0, 0.1}, {40, 1}};
  return test::labelled(
      {14, 17, 19}, spacing_mm, tf,
      [](Vec3d p) {
        const double wave = 9 + 1.5 * std::sin(0.5 * p.y) + std::cos(0.7 * p.z);
        if (norm(p - Vec3d{9, 8, 7}) > 7.5) return std::uint8_t{0};
        return p.x < wave ? std::uint8_t{1} : std::uint8_t{2};
      },
      [](Vec3d p) { return 60 * std::sin(0.9 * p.x + 0.4 * p.y) + 90 * std::cos(0.5 * p.z + 0.2 * p.x); });
}

std::int64_t cell_offset(const MajorantGrid& grid, Vec3f p) {
  const Vec3f at = grid.in_cells(p);
  return grid.offset(static_cast<int>(at.x), static_cast<int>(at.y), static_cast<int>(at.z));
}

TEST(MediumField, NoPointIsDenserThanItsCellsMajorant) {
  for (const double spacing : {1.0, 3.0}) {
    for (const bool gradient : {false, true}) {
      const Medium medium = mixed(spacing, gradient);
      for (const int edge : {1, 2, 4, 64}) {
        SCOPED_TRACE(testing::Message()
                     << spacing << " mm, gradient opacity " << gradient << ", edge " << edge);
        PathTraceOptions options;
        options.cell_voxels = edge;
        const PathTracer tracer(medium, options);
        const MajorantGrid grid = tracer.params(Camera{}).grid;
        const SoftwareMediumField field(*tracer.medium());
        const Vec3f size = field.size_voxels();
        Pcg32 random = Pcg32::from(1, static_cast<std::uint64_t>(edge));
        int visible = 0;
        for (int n = 0; n < 200'000 / static_cast<int>(kFewer); ++n) {
          // A third of the points on cell faces or borders of the grid, just inside or outside by rounding.
          Vec3f p = size * Vec3f{random.uniform<float>(), random.uniform<float>(), random.uniform<float>()};
          if (n % 3 == 0) p.x = std::floor(p.x) + 0.5F + 1e-6F * static_cast<float>(n % 5 - 2);
          if (n % 7 == 0) p.y = size.y;
          const CellCode cell = grid.cells[cell_offset(grid, p)];
          SoftwareMediumField::Material material;
          const float sigma = field.extinction(p, random.next(), material);
          const float majorant = grid.bound(cell);
          ASSERT_LE(sigma, majorant) << "at voxel " << p.x << ", " << p.y << ", " << p.z;
          visible += sigma > 0 ? 1 : 0;
        }
        EXPECT_GT(visible, 100);
      }
    }
  }
}

TEST(MediumField, PickedCornersMeanTheSumOverTheClassesWithTheirWeights) {
  for (const double spacing : {1.0, 3.0}) {
    const Medium medium = mixed(spacing, false);
    const PathTracer tracer(medium, {});
    const SoftwareMediumField field(*tracer.medium());
    const int scale = medium.class_scale();
    const Geometry& g = medium.geometry();
    Pcg32 random = Pcg32::from(2, 0);
    int shared = 0;
    for (int n = 0; n < 8; ++n) {
      const Vec3f p{5 + 8 * random.uniform<float>(), 4 + 8 * random.uniform<float>(),
                    4 + 6 * random.uniform<float>()};
      SCOPED_TRACE(testing::Message() << spacing << " mm, voxel " << p.x << ", " << p.y << ", " << p.z);
      const auto at = [&](int a, int grid_scale, int corner, double& weight) {
        const double x = static_cast<double>(p[a]) * grid_scale - 0.5;
        const double low = std::floor(x), f = x - low;
        weight *= corner == 1 ? f : 1 - f;
        return static_cast<std::int64_t>(low) + corner;
      };
      double hu = 0, sigma = 0, red = 0;
      for (int c = 0; c < 8; ++c) {
        double weight = 1;
        const std::int64_t i = at(0, 1, c & 1, weight), j = at(1, 1, c >> 1 & 1, weight),
                           k = at(2, 1, c >> 2, weight);
        hu += weight * medium.hu()[static_cast<std::size_t>(g.offset(k, j, i))];
      }
      const auto bin = static_cast<std::size_t>(std::floor(hu + 0.5) - kMinHu);
      for (int c = 0; c < 8; ++c) {
        double weight = 1;
        const std::int64_t i = at(0, scale, c & 1, weight), j = at(1, scale, c >> 1 & 1, weight),
                           k = at(2, scale, c >> 2, weight);
        const std::int64_t cell = (k * g.height() * scale + j) * g.width() * scale + i;
        const CellClasses classes = medium.class_map()[static_cast<std::size_t>(cell)];
        const double second = weight * classes.second_share() / CellClasses::kPicks;
        shared += second > 0 ? 1 : 0;
        for (const auto& [material_class, share] :
             {std::pair(classes.first(), weight - second), std::pair(classes.second(), second)}) {
          if (material_class == 0) continue;
          const std::size_t entry = material_class * static_cast<std::size_t>(kHuBins) + bin;
          const double extinction = share * static_cast<double>(tracer.medium()->sigma_t_per_mm[entry]);
          sigma += extinction;
          red += extinction * static_cast<double>(tracer.medium()->albedo[entry].x);
        }
      }
      const auto mean = [&](std::uint64_t seed, bool colour) {
        return estimate(seed, 100'000, [&](Pcg32& r) {
          SoftwareMediumField::Material material;
          const float s = field.extinction(p, r.next(), material);
          return colour && s > 0 ? s * field.albedo(material).x : s;
        });
      };
      // Weights are rounded to 1/512 per axis.
      const Estimate s = mean(3, false), c = mean(4, true);
      EXPECT_NEAR(s.mean, sigma, 5 * s.standard_error + 0.003);
      EXPECT_NEAR(c.mean, red, 5 * c.standard_error + 0.003);
    }
    EXPECT_GT(shared, 3);
  }
}

/// Two bodies with air between and around them.
Medium two_bodies(double spacing_mm) {
  return test::labelled(
      {22, 20, 24}, spacing_mm, test::plain_liver(0.4, {0.8F, 0.6F, 0.4F}),
      [](Vec3d p) {
        return norm(p - Vec3d{6, 6, 7}) < 4 || norm(p - Vec3d{16, 13, 13}) < 5 ? std::uint8_t{1}
                                                                               : std::uint8_t{0};
      },
      [](Vec3d) { return 50.0; });
}

TEST(MediumField, AnEmptyCellTellsHowFarTheNextFullOneIs) {
  for (const int edge : {1, 3}) {
    PathTraceOptions options;
    options.cell_voxels = edge;
    const PathTracer tracer(two_bodies(1.5), options);
    const MajorantGrid grid = tracer.params(Camera{}).grid;
    const auto code = [&](int x, int y, int z) { return grid.cells[grid.offset(x, y, z)]; };
    // As many as begin within the volume; bricks are filled up.
    const int nx = 24 / edge + 1, ny = 20 / edge + 1, nz = 22 / edge + 1;
    std::vector<std::array<int, 3>> full;
    for (int z = 0; z < nz; ++z) {
      for (int y = 0; y < ny; ++y) {
        for (int x = 0; x < nx; ++x) {
          if (!is_empty_cell(code(x, y, z))) full.push_back({x, y, z});
        }
      }
    }
    ASSERT_GT(full.size(), 20U);
    for (int z = 0; z < nz; ++z) {
      for (int y = 0; y < ny; ++y) {
        for (int x = 0; x < nx; ++x) {
          int nearest = 1000;
          for (const auto& [i, j, k] : full) {
            nearest = std::min(nearest, std::max({std::abs(i - x), std::abs(j - y), std::abs(k - z)}));
          }
          if (nearest > 0) {
            ASSERT_EQ(code(x, y, z), nearest) << edge << ": " << x << ", " << y << ", " << z;
          }
        }
      }
    }
  }
}

TEST(MediumField, CellsDoNotChangeTheMeansOfALabelledScan) {
  for (const double spacing : {1.0, 3.0}) {
    SCOPED_TRACE(spacing);
    const Medium medium = two_bodies(spacing);
    const auto mean = [&](int edge, std::uint64_t seed, bool light) {
      PathTraceOptions options;
      options.rig = light_rig("studio");
      options.cell_voxels = edge;
      const PathTracer tracer(medium, options);
      const TraceParams params = tracer.params(Camera{});
      const SoftwareMediumField field(*tracer.medium());
      return estimate(seed, 40'000, [&](Pcg32& random) {
        const Vec3f origin{24 * random.uniform<float>(), 20 * random.uniform<float>(), -5};
        const PathSample path = trace_path(field, params, origin, normalised(Vec3f{0.15F, 0.1F, 1}), random);
        return light ? path.rgb_linear.x : path.alpha;
      });
    };
    for (const bool light : {false, true}) {
      const Estimate a = mean(1, 8, light), b = mean(64, 9, light);  // 64: one cell, all null collisions
      EXPECT_GT(a.mean, 0.05);
      EXPECT_LE(std::abs(a.mean - b.mean), test::kMaxErrors * std::hypot(a.standard_error, b.standard_error))
          << a.mean << " and " << b.mean;
    }
  }
}

TEST(MediumField, TransmittanceOfALabelledBoxIsBeerLambertsForItsTableEntry) {
  for (const double spacing : {1.0, 3.0}) {
    SCOPED_TRACE(spacing);
    const Medium medium = test::labelled(
        {9, 10, 12}, spacing, test::plain_liver(0.06, {1, 1, 1}), [](Vec3d) { return std::uint8_t{1}; },
        [](Vec3d) { return 50.0; });
    const PathTracer tracer(medium, {});
    const TraceParams params = tracer.params(Camera{});
    const SoftwareMediumField field(*tracer.medium());
    const Vec3f direction = normalised(Vec3f{0.2F, 0.3F, 0.9F});
    // From the face z = 0 to the face z = 9.
    const double truth =
        std::pow(1 - 0.06, 9 * spacing / static_cast<double>(direction.z));  // opacity of 1 mm
    EXPECT_MEAN(
        estimate(
            8, 300'000,
            [&](Pcg32& random) {
              return 1 -
                     trace_path(field, params, Vec3f{3, 3, 0} - direction * 20.0F, direction, random).alpha;
            }),
        truth);
    EXPECT_MEAN(estimate(9, 300'000,
                         [&](Pcg32& random) {
                           return estimate_transmittance(field, params.grid, Vec3f{3, 3, 1e-4F},
                                                         direction * field.voxels_per_mm(), random);
                         }),
                truth);
  }
}

TEST(MediumField, HardLabelsShowTheFacesOfVoxels) {
  const Medium medium = test::labelled(
      {8, 8, 8}, 1.5, test::plain_liver(0.8, {1, 1, 1}),
      [](Vec3d p) { return p.x >= 3 ? std::uint8_t{1} : std::uint8_t{0}; }, [](Vec3d) { return 0.0; }, false);
  EXPECT_EQ(medium.class_scale(), 1);
  const CellClasses* classes = medium.class_map().data();
  for (int i = 0; i < 8; ++i) EXPECT_EQ(classes[i], CellClasses(i >= 3 ? 1 : 0));
}

struct BallSurface {
  double mean_voxels = 0, spread_voxels = 0;  ///< of its distance from the middle
  double normal_error_deg = 0;
};

BallSurface surface_of_ball(double radius_voxels, double spacing_mm, int rays) {
  const auto size = static_cast<std::int64_t>(2 * radius_voxels) + 8;
  const Medium medium = test::ball(size, radius_voxels, spacing_mm, test::plain_liver(0.999, {1, 1, 1}));
  const PathTracer tracer(medium, {});
  const SoftwareMediumField field(*tracer.medium());
  const float centre = 0.5F * static_cast<float>(size), first = static_cast<float>(radius_voxels) - 3;
  const Vec3f middle{centre, centre, centre};
  BallSurface surface;
  double squared = 0;
  Pcg32 random = Pcg32::from(3, 0);
  for (int n = 0; n < rays; ++n) {
    const Vec3f d = sample_sphere(random.uniform<float>(), random.uniform<float>());
    // The mean depth of the border: how far the visible share of the picks reaches, summed over the radius.
    constexpr int kSteps = 2400;
    constexpr float kReach = 6;
    int visible = 0;
    for (int step = 0; step < kSteps; ++step) {
      const float r = first + kReach * (static_cast<float>(step) + random.uniform<float>()) / kSteps;
      SoftwareMediumField::Material material;
      visible += field.extinction(middle + d * r, random.next(), material) > 0 ? 1 : 0;
    }
    const float reached = first + kReach * static_cast<float>(visible) / kSteps;
    surface.mean_voxels += static_cast<double>(reached) / rays;
    squared += static_cast<double>(reached) * static_cast<double>(reached) / rays;
    const Vec3f normal = normalised(-field.opacity_gradient_per_mm(middle + d * reached));
    surface.normal_error_deg +=
        std::acos(std::min(1.0, static_cast<double>(dot(normal, d)))) * 180 / M_PI / rays;
  }
  surface.spread_voxels = std::sqrt(squared - surface.mean_voxels * surface.mean_voxels);
  return surface;
}

TEST(MediumField, ADigitisedBallHasSmoothNormalsAndASmoothSurface) {
  for (const double radius : {8.0, 10.0, 13.0}) {
    for (const double spacing_mm : {1.0, 1.5}) {  // cells as wide as voxels, and half as wide
      const BallSurface surface = surface_of_ball(radius, spacing_mm, 400);
      SCOPED_TRACE(testing::Message() << radius << " voxels of " << spacing_mm << " mm: distance "
                                      << surface.mean_voxels << " +- " << surface.spread_voxels);
      EXPECT_LT(surface.normal_error_deg, 4.5);
      // The faces of voxels would spread by 1 / sqrt(12) = 0.29 voxels, cells of one class each by 0.11 to
      // 0.18.
      EXPECT_LT(surface.spread_voxels, 0.1);
      EXPECT_NEAR(surface.mean_voxels, radius, 0.2);
      RecordProperty(fmt::format("spread_{:.0f}_at_{:.1f}_mm", radius, spacing_mm),
                     fmt::format("{:.3f}", surface.spread_voxels));
    }
  }
}

/// Light from a white body of `radius` voxels under a white sky, beyond what covers the sky: 0 at every
/// angle.
void expect_invisible(double radius, double opacity, float roulette_survival) {
  const auto size = static_cast<std::int64_t>(2 * radius) + 6;
  const Medium medium = test::ball(size, radius, 1.5, test::plain_liver(opacity, {1, 1, 1}));
  PathTraceOptions options;
  options.max_albedo = 1;
  options.max_scatters = 100'000;
  const PathTracer tracer(medium, options);
  TraceParams params = tracer.params(Camera{});
  if (roulette_survival > 0) params.roulette_survival = roulette_survival;
  const SoftwareMediumField field(*tracer.medium());
  const float middle = 0.5F * static_cast<float>(size);
  // Rays that pass the middle at a share of the radius: from head-on to grazing.
  for (const float offset : {0.0F, 0.5F, 0.8F, 0.95F}) {
    SCOPED_TRACE(offset);
    std::atomic<int> capped{0};
    const auto trace = [&](Pcg32& random, bool light) {
      const Vec3f d = sample_sphere(random.uniform<float>(), random.uniform<float>());
      const Frame frame(d);
      const CosSin around = unit_circle(random.uniform<float>());
      const Vec3f aside = frame.x * around.cos + frame.y * around.sin;
      const Vec3f origin = Vec3f{middle, middle, middle} + aside * (static_cast<float>(radius) * offset);
      const PathSample path = trace_path(field, params, origin - d * 30.0F, d, random);
      if (path.capped) ++capped;
      return light ? path.rgb_linear.x - path.alpha : path.alpha;
    };
    const Estimate excess = estimate(5, 12'000, [&](Pcg32& r) { return trace(r, true); });
    const Estimate alpha = estimate(5, 12'000, [&](Pcg32& r) { return trace(r, false); });
    EXPECT_GT(alpha.mean, 0.3);
    // The specular table is linear between its entries: 1 % beyond the noise.
    EXPECT_LE(std::abs(excess.mean), test::kMaxErrors * excess.standard_error + 0.01 * alpha.mean)
        << excess.mean << " +- " << excess.standard_error;
    EXPECT_EQ(capped, 0);
  }
}

TEST(MediumField, AWhiteBodyUnderAWhiteSkyIsInvisibleAtEveryAngle) { expect_invisible(10, 0.5, 1); }

// In a thick white body the weights of surviving paths would grow without bound, but nothing is that white:
// colours end at an albedo of 0.98.
TEST(MediumField, RouletteAsItIsPlayedKeepsAWhiteBodyInvisible) { expect_invisible(4, 0.35, 0); }

TEST(MediumField, BrighterTissueAndLightNeverDarkenAndATransparentOneIsExactlyBlack) {
  const auto mean = [&](float grey, float sky) {
    const Medium medium = test::ball(20, 7, 1.5, test::plain_liver(0.7, {grey, grey, grey}));
    PathTraceOptions options;
    options.rig.sky_base = sky;
    const PathTracer tracer(medium, options);
    const TraceParams params = tracer.params(Camera{});
    const SoftwareMediumField field(*tracer.medium());
    return estimate(6, 60'000, [&](Pcg32& random) {
      const Vec3f origin{20 * random.uniform<float>(), 20 * random.uniform<float>(), -5};
      return trace_path(field, params, origin, {0, 0, 1}, random).rgb_linear.x;
    });
  };
  const Estimate dark = mean(0.4F, 1), bright = mean(0.7F, 1), lit = mean(0.4F, 1.5F);
  EXPECT_GT(bright.mean - dark.mean, 4 * std::hypot(bright.standard_error, dark.standard_error));
  EXPECT_GT(lit.mean - dark.mean, 4 * std::hypot(lit.standard_error, dark.standard_error));

  const Medium nothing = test::ball(12, 4, 1.5, test::plain_liver(0, {1, 1, 1}));
  const PathTracer tracer(nothing, {});
  const Camera camera = orbit_camera({{8, 8, 8}, 10}, 20, 10, 9, 7);
  Film film(9, 7);
  tracer.add_samples(camera, film, 4);
  const PathTraceImages images = resolve(film);
  for (const float v : images.rgb_linear) EXPECT_EQ(v, 0);
  for (const float v : images.alpha) EXPECT_EQ(v, 0);
}

TEST(MediumField, AnOpaqueBodyAroundTheCameraIsSeenFromInside) {
  const Medium medium = test::labelled(
      {9, 9, 9}, 1.5, test::plain_liver(1, {0.8F, 0.8F, 0.8F}), [](Vec3d) { return std::uint8_t{1}; },
      [](Vec3d) { return 50.0; });
  const PathTracer tracer(medium, {});
  Camera camera = orbit_camera({{6, 6, 6}, 10}, 20, 10, 8, 8);
  camera.position_mm = {6, 6, 6};
  Film film(8, 8);
  tracer.add_samples(camera, film, 16);
  const PathTraceImages images = resolve(film);
  for (const float alpha : images.alpha) EXPECT_EQ(alpha, 1);
  for (const float v : images.rgb_linear) {
    EXPECT_TRUE(std::isfinite(v));
    EXPECT_GE(v, 0);
  }
}

}  // namespace
}  // namespace renderfm::pathtrace
