// Reflection where the opacity's gradient says there is a surface: a GGX lobe (Walter et al. 2007) over a
// diffuse base that receives exactly what the lobe does not reflect (Kelemen & Szirmay-Kalos 2001), so that
// no material returns more light than it gets.
#pragma once

#include "renderfm/math/reflectance.h"
#include "renderfm/pathtrace/sampling.h"

namespace renderfm::pathtrace {

inline constexpr int kSurfaceTableSize = 65;

/// The specular lobe of one roughness.
struct SurfaceModel {
  float alpha;                      ///< GGX width, roughness squared
  float albedo[kSurfaceTableSize];  ///< E at cosines i/64: share of light that the lobe reflects
  float mean_albedo;                ///< 2 * integral of E(mu) mu, of the interpolated table

  /// E(cosine), cosine in [0, 1].
  RFM_HD float specular_albedo(float cosine) const {
    const float x = cosine * static_cast<float>(kSurfaceTableSize - 1);
    int i = static_cast<int>(x);
    if (i > kSurfaceTableSize - 2) i = kSurfaceTableSize - 2;
    const float f = x - static_cast<float>(i);
    return albedo[i] + (albedo[i + 1] - albedo[i]) * f;
  }
};

RFM_HD float schlick_fresnel(float cosine) {
  const float m = 1.0F - cosine, m2 = m * m;
  return kSurfaceReflectance + (1.0F - kSurfaceReflectance) * (m2 * m2 * m);
}

/// Smith's G1 divided by the cosine, which stays finite at grazing angles.
RFM_HD float masking_over_cosine(float alpha, float cosine) {
  const float a2 = alpha * alpha;
  return 2.0F / (cosine + square_root(a2 + (1.0F - a2) * cosine * cosine));
}

/// Density of the visible normals' reflections, D(h) G1(mu_o) / (4 mu_o), per sr.
RFM_HD float specular_density(float alpha, float cosine_half, float cosine_out) {
  const float a2 = alpha * alpha;
  const float d = cosine_half * cosine_half * (a2 - 1.0F) + 1.0F;
  return a2 / (kPi * d * d) * masking_over_cosine(alpha, cosine_out) * 0.25F;
}

/// A visible half vector for the local direction `out`, out.z > 0 (Heitz 2018).
RFM_HD Vec3f sample_visible_normal(float alpha, Vec3f out, float u, float v) {
  const Vec3f stretched = normalised(Vec3f{alpha * out.x, alpha * out.y, out.z});
  const float length2 = stretched.x * stretched.x + stretched.y * stretched.y;
  const float inverse = length2 > 1e-12F ? 1.0F / square_root(length2) : 0.0F;
  const Vec3f t1 =
      length2 > 1e-12F ? Vec3f{-stretched.y * inverse, stretched.x * inverse, 0} : Vec3f{1, 0, 0};
  const Vec3f t2 = cross(stretched, t1);
  const float r = square_root(u);
  const CosSin azimuth = unit_circle(v);
  const float p1 = r * azimuth.cos;
  const float s = 0.5F * (1.0F + stretched.z);
  const float rest = 1.0F - p1 * p1;
  const float p2 = (1.0F - s) * square_root(rest > 0 ? rest : 0.0F) + s * (r * azimuth.sin);
  const float height = 1.0F - p1 * p1 - p2 * p2;
  const Vec3f h = t1 * p1 + t2 * p2 + stretched * square_root(height > 0 ? height : 0.0F);
  return normalised(Vec3f{alpha * h.x, alpha * h.y, h.z > 1e-6F ? h.z : 1e-6F});
}

/// The lobe times the cosine of the incoming light, and the density with which sample_surface() finds it.
struct SurfaceValue {
  Vec3f reflected;  ///< f * mu_i, 1/sr
  float density;    ///< 1/sr
};

/// Share of samples that go to the specular lobe.
RFM_HD float specular_share(float specular_albedo, float max_diffuse_albedo) {
  return specular_albedo / (specular_albedo + max_diffuse_albedo * (1.0F - specular_albedo));
}

/// `in` and `out` point away from the surface, `normal` to the side of `out`; all unit. Zero where `in` comes
/// from behind.
RFM_HD SurfaceValue surface_value(const SurfaceModel& model, Vec3f diffuse_albedo, Vec3f normal, Vec3f out,
                                  Vec3f in) {
  const float cosine_in = dot(normal, in), cosine_out = dot(normal, out);
  if (cosine_in <= 0 || cosine_out <= 0) return {{0, 0, 0}, 0};
  const float mu_in = cosine_in < 1 ? cosine_in : 1.0F, mu_out = cosine_out < 1 ? cosine_out : 1.0F;
  const Vec3f sum = in + out;
  const Vec3f half = sum * (1.0F / norm(sum));
  const float density = specular_density(model.alpha, dot(normal, half), mu_out);
  const float specular =
      density * schlick_fresnel(dot(in, half)) * masking_over_cosine(model.alpha, mu_in) * mu_in;
  const float e_out = model.specular_albedo(mu_out), e_in = model.specular_albedo(mu_in);
  const float diffuse = (1.0F - e_out) * (1.0F - e_in) / (1.0F - model.mean_albedo) * mu_in * (1.0F / kPi);
  const float share = specular_share(e_out, max_component(diffuse_albedo));
  return {diffuse_albedo * diffuse + Vec3f{specular, specular, specular},
          share * density + (1.0F - share) * mu_in * (1.0F / kPi)};
}

/// A direction `in` from the mixture of both lobes, whose density surface_value() gives.
RFM_HD Vec3f sample_surface(const SurfaceModel& model, Vec3f diffuse_albedo, Vec3f normal, Vec3f out,
                            Pcg32& random) {
  const Frame frame(normal);
  const Vec3f local = frame.to_local(out);
  const float e_out = model.specular_albedo(local.z < 1 ? (local.z > 0 ? local.z : 0.0F) : 1.0F);
  const bool specular = random.uniform<float>() < specular_share(e_out, max_component(diffuse_albedo));
  const float u = random.uniform<float>(), v = random.uniform<float>();
  if (!specular) return frame.to_world(sample_cosine_hemisphere(u, v));
  const Vec3f h = sample_visible_normal(model.alpha, local, u, v);
  return frame.to_world(h * (2.0F * dot(local, h)) - local);
}

}  // namespace renderfm::pathtrace
