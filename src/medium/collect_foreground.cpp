#include "renderfm/medium/collect_foreground.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/math/reflectance.h"
#include "renderfm/math/srgb.h"
#include "renderfm/medium/ambient_light.h"
#include "renderfm/medium/surface_probability.h"

namespace renderfm {
namespace {

constexpr float kMaxAlbedo = 0.98F;

/// A surface of reflectance ρ that sees the sky over a share A of its hemisphere and itself, equally lit,
/// over the rest: radiance E = A + (1 - A) ρ E, times ρ. A transfer function's colour is the albedo of one
/// scatter, as it is for the path tracer; what a body returns after many is less.
float lit_radiance(float albedo, float backward, float sky_share) {
  const float reflectance = body_reflectance(albedo, backward);
  return reflectance * sky_share / (1 - reflectance * (1 - sky_share));
}

/// Share of scattered light that goes back outwards: half of it in a cloud, all of it on a surface. Light in
/// a body meets its surface for one half of the scatters, say; the path tracer's pictures agree.
float backward_share(float surface_probability) { return 0.5F + 0.25F * surface_probability; }

constexpr float kHiddenShare = 0.025F;

/// Share of the sky's light by which a voxel is coloured. Light takes the same ways back: a voxel that
/// receives next to none is seen from next to nowhere, but on the face of a cut, and a flat face has its
/// whole hemisphere of sky. The square lets the change begin smoothly, so that creases stay dark where they
/// are seen.
float sky_share(float received) {
  const float hidden = std::max(0.0F, 1 - received / kHiddenShare);
  return received + (1 - received) * hidden * hidden;
}

/// Linear albedo and received light of a voxel; what a ray meets near its surface is a mixture of both
/// neighbours.
struct Shade {
  Vec3f albedo;
  float received;
};

/// Mixes every voxel with its 26 neighbours by the tent 1-2-1 and their extinction. A surface cuts the
/// lattice in steps, and partial volume makes each step's outer voxels another tissue's colour: unmixed, the
/// steps show as contour rings.
std::vector<Shade> mix_neighbours(const Medium& medium, const Foreground& foreground,
                                  const std::vector<Shade>& shades) {
  const Geometry& grid = medium.geometry();
  std::vector<std::int32_t> slot(static_cast<std::size_t>(grid.voxel_count()), -1);
  for (std::int64_t n = 0; n < foreground.size(); ++n)
    slot[foreground.voxel[n]] = static_cast<std::int32_t>(n);
  std::vector<Shade> mixed(shades.size());
  parallel_for(0, foreground.size(), 8192, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      const std::int64_t i = foreground.voxel[n] % grid.width(), row = foreground.voxel[n] / grid.width();
      const std::int64_t j = row % grid.height(), k = row / grid.height();
      Shade sum{{0, 0, 0}, 0};
      float total = 0;
      for (std::int64_t z = std::max<std::int64_t>(0, k - 1); z <= std::min(grid.depth() - 1, k + 1); ++z) {
        for (std::int64_t y = std::max<std::int64_t>(0, j - 1); y <= std::min(grid.height() - 1, j + 1);
             ++y) {
          for (std::int64_t x = std::max<std::int64_t>(0, i - 1); x <= std::min(grid.width() - 1, i + 1);
               ++x) {
            const std::int32_t neighbour = slot[grid.offset(z, y, x)];
            if (neighbour < 0 || foreground.label[neighbour] != foreground.label[n]) continue;
            const auto distance = std::abs(x - i) + std::abs(y - j) + std::abs(z - k);
            const float weight = foreground.sigma_t_per_mm[neighbour] / static_cast<float>(1 << distance);
            sum.albedo = sum.albedo + shades[neighbour].albedo * weight;
            sum.received += shades[neighbour].received * weight;
            total += weight;
          }
        }
      }
      mixed[n] = {sum.albedo * (1 / total), sum.received / total};
    }
  });
  return mixed;
}

}  // namespace

Foreground collect_foreground(const Medium& medium, const LabelVolume& labels) {
  Foreground foreground;
  foreground.grid = medium.geometry();
  const std::int64_t voxels = foreground.grid.voxel_count();
  for (std::int64_t voxel = 0; voxel < voxels; ++voxel) {
    if (medium.foreground(voxel)) foreground.voxel.push_back(voxel);
  }
  if (foreground.voxel.empty()) {
    fail_input(
        "this transfer function and organ choice show nothing of the scan; choose another --tf or --organs");
  }
  AmbientLight light = compute_ambient_light(medium, foreground.voxel);
  foreground.exposure = std::move(light.exposure);

  const auto count = foreground.size();
  foreground.sigma_t_per_mm.resize(count);
  foreground.srgb.resize(count);
  foreground.lit_srgb.resize(count);
  foreground.inward_normal.resize(count);
  foreground.label.resize(count);
  std::vector<Shade> shades(static_cast<std::size_t>(count));
  parallel_for(0, count, 8192, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      const std::int64_t voxel = foreground.voxel[n];
      foreground.sigma_t_per_mm[n] = medium.sigma_t_per_mm()[voxel];
      foreground.label[n] = medium.label(voxel);
      const Vec3f srgb = foreground.srgb[n] = medium.srgb(voxel);
      for (int channel = 0; channel < 3; ++channel) {
        shades[n].albedo[channel] = std::min(kMaxAlbedo, linear_from_srgb(srgb[channel]));
      }
      shades[n].received = light.received[n];
      const Vec3f gradient = medium.opacity_gradient_per_mm(voxel);
      const float steepness = norm(gradient);
      foreground.inward_normal[n] =
          steepness > 0 ? gradient * (surface_probability(steepness) / steepness) : Vec3f{0, 0, 0};
    }
  });
  const std::vector<Shade> mixed = mix_neighbours(medium, foreground, shades);
  parallel_for(0, count, 8192, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      const float received = sky_share(mixed[n].received);
      const float backward = backward_share(norm(foreground.inward_normal[n]));
      for (int channel = 0; channel < 3; ++channel) {
        const float radiance = lit_radiance(mixed[n].albedo[channel], backward, received);
        foreground.lit_srgb[n][channel] = srgb_from_linear(radiance);
      }
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
