// The surface lobe: energy, sampling and reciprocity.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "pathtrace/surface_model.h"
#include "renderfm/pathtrace/integrator.h"
#include "unit/pathtrace/statistics.h"

namespace renderfm::pathtrace {
namespace {

constexpr Vec3f kUp{0, 0, 1};

Vec3f direction(double cosine, double azimuth) {
  const double sine = std::sqrt(std::max(0.0, 1 - cosine * cosine));
  return {static_cast<float>(sine * std::cos(azimuth)), static_cast<float>(sine * std::sin(azimuth)),
          static_cast<float>(cosine)};
}

/// Integral over the hemisphere of `of(in)`, midpoint rule.
template <class Of>
double hemisphere_integral(const Of& of) {
  constexpr int kRings = 400, kSectors = 800;
  double sum = 0;
  for (int i = 0; i < kRings; ++i) {
    for (int j = 0; j < kSectors; ++j) {
      sum += of(direction((i + 0.5) / kRings, 2 * M_PI * (j + 0.5) / kSectors));
    }
  }
  return sum * 2 * M_PI / (kRings * kSectors);
}

TEST(Surface, AWhiteOneReflectsAllLightAtEveryAngleAndRoughness) {
  for (const float roughness : {0.3F, 0.45F, 1.0F}) {
    const SurfaceModel model = make_surface_model(roughness);
    for (const double cosine : {0.02, 0.1, 0.3, 0.6, 1.0}) {
      const double reflected = hemisphere_integral([&](Vec3f in) {
        return static_cast<double>(
            surface_value(model, {1, 1, 1}, kUp, direction(cosine, 0.3), in).reflected.x);
      });
      // The table has 65 entries and is linear between them.
      EXPECT_NEAR(reflected, 1, cosine < 0.05 ? 1e-2 : 2e-3)
          << "roughness " << roughness << ", cosine " << cosine;
    }
  }
}

TEST(Surface, DirectionsAreDrawnWithTheDensityTheyClaim) {
  const SurfaceModel model = make_surface_model(0.45F);
  for (const double cosine : {0.15, 0.8}) {
    SCOPED_TRACE(cosine);
    const Vec3f out = direction(cosine, 0.3);
    const Vec3f albedo{0.7F, 0.5F, 0.2F};
    constexpr int kRings = 10, kSectors = 16, kFine = 24;
    const int count = static_cast<int>(400'000 / test::kFewer);
    std::vector<double> expected(kRings * kSectors + 1), found(kRings * kSectors + 1);
    for (int i = 0; i < kRings * kFine; ++i) {
      for (int j = 0; j < kSectors * kFine; ++j) {
        const Vec3f in = direction((i + 0.5) / (kRings * kFine), 2 * M_PI * (j + 0.5) / (kSectors * kFine));
        expected[static_cast<std::size_t>(i / kFine * kSectors + j / kFine)] +=
            static_cast<double>(surface_value(model, albedo, kUp, out, in).density) * 2 * M_PI /
            (kRings * kFine * kSectors * kFine);
      }
    }
    // The rest is what the specular lobe sends below the horizon.
    double inside = 0;
    for (const double e : expected) inside += e;
    expected.back() = 1 - inside;
    EXPECT_GT(expected.back(), -1e-3);
    Pcg32 random = Pcg32::from(5, static_cast<std::uint64_t>(cosine * 100));
    for (int n = 0; n < count; ++n) {
      const Vec3f in = sample_surface(model, albedo, kUp, out, random);
      ASSERT_NEAR(norm(in), 1, 1e-4);
      if (in.z <= 0) {
        ++found.back();
        continue;
      }
      double azimuth = std::atan2(static_cast<double>(in.y), static_cast<double>(in.x));
      if (azimuth < 0) azimuth += 2 * M_PI;
      const int ring = std::min(kRings - 1, static_cast<int>(static_cast<double>(in.z) * kRings));
      const int sector = std::min(kSectors - 1, static_cast<int>(azimuth / (2 * M_PI) * kSectors));
      ++found[static_cast<std::size_t>(ring * kSectors + sector)];
    }
    double chi2 = 0;
    int bins = 0;
    for (std::size_t b = 0; b < found.size(); ++b) {
      if (expected[b] * count < 10) continue;
      chi2 += (found[b] - expected[b] * count) * (found[b] - expected[b] * count) / (expected[b] * count);
      ++bins;
    }
    // Chi-square with bins - 1 degrees of freedom is nearly normal: 4 standard deviations, 99.997 %.
    EXPECT_GT(bins, 100 / test::kFewer);
    EXPECT_LT(chi2, bins - 1 + 4 * std::sqrt(2.0 * (bins - 1)));
  }
}

TEST(Surface, LightAndEyeMayChangePlaces) {
  const SurfaceModel model = make_surface_model(0.45F);
  Pcg32 random = Pcg32::from(6, 0);
  for (int n = 0; n < 1000; ++n) {
    const Vec3f a = sample_cosine_hemisphere(random.uniform<float>(), random.uniform<float>());
    const Vec3f b = sample_cosine_hemisphere(random.uniform<float>(), random.uniform<float>());
    if (a.z < 0.01F || b.z < 0.01F) continue;
    const Vec3f albedo{0.8F, 0.4F, 0.1F};
    const float ab = surface_value(model, albedo, kUp, a, b).reflected.x / b.z;
    const float ba = surface_value(model, albedo, kUp, b, a).reflected.x / a.z;
    ASSERT_NEAR(ab, ba, 1e-4F * std::max(ab, 1.0F)) << a.z << " " << b.z;
  }
}

TEST(Surface, NothingComesFromBehind) {
  const SurfaceModel model = make_surface_model(0.45F);
  const SurfaceValue behind = surface_value(model, {1, 1, 1}, kUp, {0, 0, 1}, direction(-0.4, 1));
  EXPECT_EQ(behind.reflected.x, 0);
  EXPECT_EQ(behind.density, 0);
}

}  // namespace
}  // namespace renderfm::pathtrace
