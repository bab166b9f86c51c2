// Small scenes of 6D Gaussians in plain vectors, and cameras that look at them: for tests that do without
// LibTorch.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "renderfm/gaussian/layout.h"
#include "renderfm/math/rng.h"
#include "renderfm/math/sh.h"
#include "renderfm/raster/camera_view.h"
#include "renderfm/raster/raster_params.h"

namespace renderfm::test {

/// Rows as in raster::GaussianPointers.
template <class S>
struct PlainGaussians {
  std::vector<S> position_mm, sh, opacity, direction_mean, chol;
  S lambda_opacity = S(0.35);
  bool low_pass_compensation = true;

  std::int64_t count() const { return static_cast<std::int64_t>(opacity.size()); }

  /// One more, all zero but for opacity, an A that hardly looks at the direction, and a ball of radius
  /// sigma_mm.
  std::size_t add(Vec3<S> at_mm, S sigma_mm, S alpha) {
    const std::size_t i = opacity.size();
    position_mm.insert(position_mm.end(), {at_mm.x, at_mm.y, at_mm.z});
    sh.resize(sh.size() + layout::kShCount, S(0));
    opacity.push_back(alpha);
    direction_mean.resize(direction_mean.size() + 3, S(0));
    chol.resize(chol.size() + layout::kCholCount, S(0));
    for (int k = 0; k < 3; ++k) {
      entry(i, layout::a_index(k, k)) = S(1e4);
      entry(i, layout::c_index(k, k)) = sigma_mm;
    }
    return i;
  }
  S& entry(std::size_t i, int index) {
    return chol[i * layout::kCholCount + static_cast<std::size_t>(index)];
  }
  void paint(std::size_t i, S red, S green, S blue) {
    const S rgb[3] = {red, green, blue};
    for (std::size_t k = 0; k < 3; ++k) {
      sh[i * layout::kShCount + k] = (rgb[k] - S(0.5)) / static_cast<S>(kSh0);
    }
  }

  raster::GaussianPointers<S> pointers() const {
    return {position_mm.data(), sh.data(), opacity.data(), direction_mean.data(),
            chol.data(),        count(),   lambda_opacity, low_pass_compensation};
  }
  template <class To>
  PlainGaussians<To> as() const {
    const auto cast = [](const std::vector<S>& from) { return std::vector<To>(from.begin(), from.end()); };
    return {cast(position_mm),    cast(sh),   cast(opacity),
            cast(direction_mean), cast(chol), static_cast<To>(lambda_opacity),
            low_pass_compensation};
  }
};

/// `count` Gaussians that use all 37 numbers: within 10 mm of the origin, sheared, leaning on the direction.
inline PlainGaussians<float> tilted_gaussians(std::uint64_t seed, int count, float sigma_mm = 0.6f,
                                              float least_opacity = 0.05f, float greatest_opacity = 0.95f) {
  PlainGaussians<float> set;
  for (int n = 0; n < count; ++n) {
    Pcg32 random = Pcg32::from(seed, static_cast<std::uint64_t>(n));
    const auto about = [&](float centre, float spread) {
      return random.uniform(centre - spread, centre + spread);
    };
    const Vec3f at{about(0, 10), about(0, 10), about(0, 10)};
    const std::size_t i = set.add(at, sigma_mm, random.uniform(least_opacity, greatest_opacity));
    for (std::size_t k = 0; k < layout::kShCount; ++k) {
      set.sh[i * layout::kShCount + k] = about(k < 3 ? 0.3f : 0.0f, k < 3 ? 1.0f : 0.4f);
    }
    for (std::size_t k = 0; k < 3; ++k) set.direction_mean[3 * i + k] = about(0, 0.6f);
    for (int row = 0; row < 3; ++row) {
      for (int column = 0; column <= row; ++column) {
        const bool diagonal = row == column;
        set.entry(i, layout::a_index(row, column)) = diagonal ? about(1.2f, 0.4f) : about(0, 0.2f);
        set.entry(i, layout::c_index(row, column)) =
            sigma_mm * (diagonal ? std::exp(about(0, 0.7f)) : about(0, 0.5f));
      }
      for (int column = 0; column < 3; ++column) set.entry(i, layout::b_index(row, column)) = about(0, 0.3f);
    }
  }
  return set;
}

/// side^3 equal balls on a lattice about the origin: seen along an axis, whole slices have one depth.
inline PlainGaussians<float> lattice_gaussians(int side, float spacing_mm, float alpha) {
  PlainGaussians<float> set;
  const float middle = 0.5f * static_cast<float>(side - 1);
  const auto at = [&](int k) { return (static_cast<float>(k) - middle) * spacing_mm; };
  for (int z = 0; z < side; ++z) {
    for (int y = 0; y < side; ++y) {
      for (int x = 0; x < side; ++x) {
        const std::size_t i = set.add({at(x), at(y), at(z)}, 0.6f * spacing_mm, alpha);
        const auto shade = [&](int k) { return static_cast<float>(k + 1) / static_cast<float>(side); };
        set.paint(i, shade(x), shade(y), shade(z));
      }
    }
  }
  return set;
}

/// Opaque discs one behind another along +z, so that pixels close early and most are never seen.
inline PlainGaussians<float> opaque_stack(int count, float alpha) {
  PlainGaussians<float> set;
  for (int n = 0; n < count; ++n) {
    Pcg32 random = Pcg32::from(11, static_cast<std::uint64_t>(n));
    const float z = -8.0f + 16.0f * static_cast<float>(n) / static_cast<float>(count);
    const std::size_t i = set.add({random.uniform(-3.0f, 3.0f), random.uniform(-3.0f, 3.0f), z},
                                  random.uniform(1.0f, 3.0f), alpha);
    set.paint(i, random.uniform(0.1f, 1.0f), random.uniform(0.1f, 1.0f), random.uniform(0.1f, 1.0f));
  }
  return set;
}

/// `distance_mm` from the origin in the direction of azimuth `turn` (radians about +y), looking at it; at 0
/// the camera looks along +z.
inline Camera camera_around(double turn, double distance_mm, int width, int height, double focal_px) {
  Camera camera;
  camera.width = width;
  camera.height = height;
  camera.fx = camera.fy = focal_px;
  camera.cx = 0.5 * width + 0.3;  // off the pixel grid
  camera.cy = 0.5 * height - 0.2;
  const double s = std::sin(turn), c = std::cos(turn);
  camera.rotation = {{{c, 0, s}, {0, 1, 0}, {-s, 0, c}}};
  camera.position_mm = {s * distance_mm, 0, -c * distance_mm};
  return camera;
}

template <class S>
std::vector<raster::View<S>> views_of(const std::vector<Camera>& cameras) {
  std::vector<raster::View<S>> views;
  for (const Camera& camera : cameras) views.push_back(raster::make_view<S>(camera));
  return views;
}

}  // namespace renderfm::test
