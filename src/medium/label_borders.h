// What happens to voxels on both sides of a label's border before the class map smooths it.
#pragma once

#include <cstdint>
#include <vector>

#include "renderfm/medium/medium.h"
#include "renderfm/volume/volume.h"

namespace renderfm {

/// In coarse voxels a border's HU are mixtures of both sides, by how much of the voxel each fills: they would
/// draw the voxel grid on an organ as rings of colour and depth. Border voxels get at least the mean HU of
/// their class around them, and the invisible voxels beside them the mean of the border, where the class is
/// denser than what it ends at. Not towards air (outside means from -200 down to -500 HU): there the HU are
/// the surface. Nor in rods and specks (14 down to 8 of 26 neighbours of their class), whose shape the HU
/// tell better than the voxels do. `voxel_class` [D, H, W] are the classes of the labels.
void undo_partial_volume(const Geometry& grid, const std::vector<std::uint8_t>& voxel_class,
                         std::vector<std::int16_t>& hu);

/// Unlabelled voxels beside a class that is transparent at their HU join it. Nothing becomes visible by that,
/// but where it is the HU that end at air, as on skin, the surface is the smooth HU contour and not the
/// label's border.
void extend_into_transparent(const Geometry& grid, const std::vector<std::int16_t>& hu,
                             const std::vector<std::uint8_t>& labels, const std::vector<MediumClass>& classes,
                             std::vector<std::uint8_t>& voxel_class);

}  // namespace renderfm
