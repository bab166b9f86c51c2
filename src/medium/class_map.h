// From classes of voxels, whose borders are staircases, to a smooth class map.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "renderfm/medium/cell_classes.h"

namespace renderfm {

/// The classes of every cell of a grid `scale` (1 or 2) times finer per axis than `voxel_class` [D, H, W]:
/// each class's indicator is blurred by 0.8 voxels; the strongest fills the cell, and the second strongest
/// shares it where both are about as strong, so that a border lies between cells as finely as the blur says
/// (what is thinner than three voxels has whole cells). The invisible class 0 counts 0.8 times, and plates,
/// rods and specks that the blur would wipe out are kept. The same for any number of threads.
std::vector<CellClasses> smooth_class_map(const std::vector<std::uint8_t>& voxel_class,
                                          const std::array<std::int64_t, 3>& shape_zyx, int scale);

/// Marks in `mixed` [W] (row j of slice k) the voxels whose 26 neighbours are not all of
/// their own class.
void mark_mixed_row(const std::vector<std::uint8_t>& voxel_class,
                    const std::array<std::int64_t, 3>& shape_zyx, std::int64_t k, std::int64_t j,
                    std::uint8_t* mixed);

}  // namespace renderfm
