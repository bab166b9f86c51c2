// The data that path tracing reads and writes on any device: plain structs of values and raw pointers with
// their shapes, no Torch, no CUDA header.
#pragma once

#include <cstdint>

#include "renderfm/pathtrace/light.h"
#include "renderfm/pathtrace/majorant_grid.h"
#include "renderfm/pathtrace/medium_field.h"
#include "renderfm/pathtrace/surface.h"

namespace renderfm::pathtrace {

/// How light of the sky is found: by paths that leave the scan, by a shadow ray at every scatter, or by both
/// with the balance heuristic (their densities are equal, so each counts half).
enum class SkySampling : int { kEscape = 0, kShadowRay = 1, kBoth = 2 };

/// What paths are made of beside the field.
struct TraceParams {
  MajorantGrid grid;
  Lights lights;
  SurfaceModel surface;
  float surface_kappa_mm;  ///< of the surface probability; 0: phase function only
  SkySampling sky_sampling;
  int max_scatters;         ///< a path that would scatter once more ends and counts as capped
  float roulette_survival;  ///< at most, per scatter after the third; 1 cuts no path of white matter
  std::uint64_t seed;
};

/// Pixel -> ray, in the voxel coordinates of the field.
struct CameraRays {
  Vec3f origin_voxels;
  Vec3f corner, right,
      down;  ///< world direction of pixel (x, y), at camera depth 1: corner + x right + y down
  int width, height;
};

/// One path.
struct PathSample {
  Vec3f rgb_linear;  ///< premultiplied
  Vec3f albedo;      ///< of the first collision, zero where there is none
  Vec3f normal;      ///< of the first collision, outward, world axes, times the surface probability
  float depth_mm;    ///< the first collision's depth along the camera's axis, zero where there is none
  float alpha;       ///< 1 where the path collided, else 0
  bool capped;
};

/// Sums over the samples of one pixel; S is double on the film, or float for up to 64 samples.
template <class S>
struct PixelSums {
  S rgb[3], rgb_squared[3], rgb_even[3];  ///< `even`: of samples 0, 2, 4, ...
  S albedo[3], normal[3];
  S depth_mm, alpha;

  RFM_HD void add(const PathSample& s, bool even) {
    for (int c = 0; c < 3; ++c) {
      const S value = static_cast<S>(s.rgb_linear[c]);
      rgb[c] += value;
      rgb_squared[c] += value * value;
      if (even) rgb_even[c] += value;
      albedo[c] += static_cast<S>(s.albedo[c]);
      normal[c] += static_cast<S>(s.normal[c]);
    }
    depth_mm += static_cast<S>(s.depth_mm);
    alpha += static_cast<S>(s.alpha);
  }
};

}  // namespace renderfm::pathtrace
