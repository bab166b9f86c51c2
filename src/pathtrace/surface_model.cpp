#include "pathtrace/surface_model.h"

#include <cmath>

#include "renderfm/core/parallel.h"

namespace renderfm::pathtrace {
namespace {

constexpr int kSteps = 96;  // per axis of the square that the visible normals are drawn from

// E(mu): the mean over visible normals of F G1(mu_i), where the reflection leaves the surface.
double specular_albedo(float alpha, float cosine) {
  const Vec3f out{std::sqrt(1 - cosine * cosine), 0, cosine};
  double sum = 0;
  for (int i = 0; i < kSteps; ++i) {
    for (int j = 0; j < kSteps; ++j) {
      const Vec3f h = sample_visible_normal(alpha, out, (static_cast<float>(i) + 0.5F) / kSteps,
                                            (static_cast<float>(j) + 0.5F) / kSteps);
      const Vec3f in = h * (2 * dot(out, h)) - out;
      if (in.z <= 0) continue;
      sum += static_cast<double>(schlick_fresnel(dot(out, h)) * masking_over_cosine(alpha, in.z) * in.z);
    }
  }
  return sum / (kSteps * kSteps);
}

}  // namespace

SurfaceModel make_surface_model(float roughness) {
  SurfaceModel model{};
  model.alpha = roughness * roughness;
  parallel_for(0, kSurfaceTableSize, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const float cosine = static_cast<float>(i) / (kSurfaceTableSize - 1);
      // At exactly 0 nothing is visible: the limit instead.
      model.albedo[i] = static_cast<float>(specular_albedo(model.alpha, cosine > 0 ? cosine : 1e-3F));
    }
  });
  // Simpson's rule is exact for the cubic-free product of a linear piece and mu.
  double mean = 0;
  for (int i = 0; i + 1 < kSurfaceTableSize; ++i) {
    const double step = 1.0 / (kSurfaceTableSize - 1);
    const double a = i * step, b = (i + 1) * step, ea = static_cast<double>(model.albedo[i]),
                 eb = static_cast<double>(model.albedo[i + 1]);
    mean += 2 * step / 6 * (ea * a + 4 * (0.5 * (ea + eb)) * (0.5 * (a + b)) + eb * b);
  }
  model.mean_albedo = static_cast<float>(mean);
  return model;
}

}  // namespace renderfm::pathtrace
