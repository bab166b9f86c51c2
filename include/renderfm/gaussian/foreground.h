// The voxels that become Gaussians: what priming and the network's gather need to know of them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "renderfm/view/camera.h"
#include "renderfm/volume/geometry.h"

namespace renderfm {

/// N foreground voxels in storage order, one entry per voxel in every list.
struct Foreground {
  Geometry grid;
  std::vector<std::int64_t> voxel;  ///< offset into [D, H, W]
  std::vector<float> sigma_t_per_mm;
  std::vector<Vec3f> srgb;  ///< the transfer function's colour
  std::vector<Vec3f>
      lit_srgb;  ///< as seen under the ambient light, display-referred; hidden ones as on a cut
  std::vector<Vec3f>
      inward_normal;            ///< times the surface probability: 0 inside, unit length on a clear surface
  std::vector<float> exposure;  ///< greatest transmittance to the outside over all directions, in [0, 1]
  std::vector<std::uint8_t> label;
  std::map<std::uint8_t, std::string> label_names;

  std::int64_t size() const { return static_cast<std::int64_t>(voxel.size()); }
};

/// Keeps the entries whose flag is set.
Foreground select(const Foreground& foreground, const std::vector<std::uint8_t>& keep);

/// The sphere around the voxel centres of `offsets`: middle of their box, greatest distance from it.
ViewSphere view_sphere_of(const Geometry& grid, const std::vector<std::int64_t>& offsets);

}  // namespace renderfm
