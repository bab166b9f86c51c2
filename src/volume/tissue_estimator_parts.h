// The steps of the tissue estimator and the voxel operations that they share. All radii are in mm.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "renderfm/volume/volume.h"

namespace renderfm::tissue {

/// 1 where set; on the grid of the scan.
using Mask = std::vector<std::uint8_t>;

/// All voxels within `radius_mm` of a set one (a Euclidean ball).
Mask dilate(const Mask& mask, const Geometry& grid, double radius_mm);
/// All voxels farther than `radius_mm` from an unset one. Beyond the scan counts as set, so that what the
/// scan cuts off keeps its full width.
Mask erode(const Mask& mask, const Geometry& grid, double radius_mm);
/// dilate, then erode: fills gaps narrower than twice the radius.
Mask close(const Mask& mask, const Geometry& grid, double radius_mm);

/// Mean over 3 x 3 x 3 voxels (fewer at the borders), along those axes alone whose spacing is under
/// `max_spacing_mm`: coarse voxels are averages already.
std::vector<std::int16_t> smooth(const CtVolume& ct, double max_spacing_mm);

/// Face-connected parts of a mask.
struct Components {
  std::vector<std::uint32_t> label;  ///< per voxel, 0 outside the mask, parts numbered from 1
  std::vector<std::int64_t> size;    ///< voxels of part p at [p]; [0] counts the rest
};
Components connected_components(const Mask& mask, const Geometry& grid);

/// For every part of at least `min_voxels`, the values below which the given fractions of its voxels lie;
/// coarse to 8 HU. [part][fraction]; empty for smaller parts.
std::vector<std::vector<int>> hu_quantiles(const Components& parts, const std::vector<std::int16_t>& hu,
                                           std::int64_t min_voxels, const std::vector<double>& fractions);

/// At least 1.
std::int64_t voxels_of_ml(const Geometry& grid, double millilitres);

/// Which index axis (0 = z, 1 = y, 2 = x of the array) runs along which direction of the patient.
struct BodyAxes {
  int superior, left, anterior;
};
BodyAxes body_axes(const Geometry& grid);

/// Where the body is, and the air inside it.
struct BodyMasks {
  Mask body;    ///< everything inside the skin, air included
  Mask lung;    ///< the air of the lungs with the vessels between it
  Mask airway;  ///< other air: trachea, bowel gas
};
BodyMasks find_body(const CtVolume& ct, const std::vector<std::int16_t>& smooth_hu);

/// Bright tissue, told apart.
struct BrightMasks {
  Mask bone;    ///< marrow included
  Mask vessel;  ///< filled with contrast agent
};
BrightMasks find_bright(const CtVolume& ct, const std::vector<std::int16_t>& smooth_hu,
                        const BodyMasks& body);

}  // namespace renderfm::tissue
