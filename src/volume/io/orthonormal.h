// From voxel axes as a file gives them to an orthonormal grid.
#pragma once

#include "../index_map.h"
#include "raw_image.h"
#include "renderfm/volume/scan_report.h"

namespace renderfm {

struct OrthonormalGrid {
  Geometry geometry;
  bool sheared = false;  ///< the voxels must be resampled through `source_from_grid`
  double angle_deg = 0;  ///< greatest departure of two axes from a right angle
  IndexMap source_from_grid;
};

/// Below this angle the axes are only rounded, and the nearest orthonormal ones are taken.
inline constexpr double kShearTolerance_deg = 0.1;

/// Axes that depart less than kShearTolerance_deg from orthonormal are replaced by the nearest that are,
/// about the volume's centre; sheared ones get a grid that covers the volume, keeping a pair of axes that is
/// orthogonal (the slice plane of a tilted gantry). Throws kBadInput for axes without volume or voxels of an
/// impossible size.
OrthonormalGrid orthonormal_grid(const VoxelAffine& affine, const Shape& shape_zyx, const std::string& name);

}  // namespace renderfm
