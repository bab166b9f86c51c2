// The voxels of a medium that become Gaussians, lit and measured.
#pragma once

#include "renderfm/gaussian/foreground.h"
#include "renderfm/medium/medium.h"
#include "renderfm/volume/volume.h"

namespace renderfm {

/// Foreground voxels in storage order, with their colour under a white sky (ambient transmittance, the
/// reflectance of a body of many scatterers, and the interreflection of a uniform cavity). Throws kBadInput
/// where nothing is visible.
Foreground collect_foreground(const Medium& medium, const LabelVolume& labels);

}  // namespace renderfm
