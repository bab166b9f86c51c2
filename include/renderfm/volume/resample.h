// From a scan's own grid to the network grid: axis-aligned LPS at the target spacing.
#pragma once

#include "renderfm/volume/volume.h"

namespace renderfm {

/// What --spacing asks for.
struct TargetSpacing {
  enum class Kind { kAutomatic, kMillimetres, kNative } kind = Kind::kAutomatic;
  double spacing_mm = 0;             ///< for kMillimetres
  double finest_automatic_mm = 1.5;  ///< for kAutomatic; a network's plan may say another
};

/// The axis-aligned LPS grid that covers `scan`: kAutomatic is max(finest_automatic_mm, finest spacing),
/// isotropic; kNative is the finest in-plane spacing, isotropic. A scan whose axes are a signed permutation
/// at that spacing keeps its voxel positions (tolerance 0.1 % of the spacing).
Geometry network_grid(const Geometry& scan, const TargetSpacing& target);

/// Copies where the grids share their voxels, interpolates linearly elsewhere; air outside the scan. Where
/// the target is coarser, the scan is averaged over the target voxel first.
CtVolume resample_ct(const CtVolume& scan, const Geometry& grid);

/// Nearest neighbour; 0 outside.
LabelVolume resample_labels(const LabelVolume& labels, const Geometry& grid);

}  // namespace renderfm
