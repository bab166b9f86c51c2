// How much light from a uniform sky reaches every voxel, and from where it can be seen at all: two uses of
// one sweep. The shading estimate of priming, and the measure by which hidden voxels are pruned.
#pragma once

#include <cstdint>
#include <vector>

#include "renderfm/medium/medium.h"

namespace renderfm {

/// Both are of the listed voxels, in [0, 1].
struct AmbientLight {
  /// Share of a white sky's light that the voxel receives: the cosine-weighted transmittance over the
  /// hemisphere of its surface, mixed with the plain mean over the sphere by the surface probability p_s.
  std::vector<float> received;
  /// Greatest transmittance from outside to the voxel's edge over all directions: 0 is hidden from
  /// everywhere.
  std::vector<float> exposure;
};

/// Sweeps the volume along 54 directions. `voxels` are offsets into the medium's grid.
AmbientLight compute_ambient_light(const Medium& medium, const std::vector<std::int64_t>& voxels);

}  // namespace renderfm
