// What the path tracer's voxel records say of a voxel's classes.
#pragma once

#include <cstdint>
#include <vector>

#include "renderfm/medium/medium.h"

namespace renderfm::pathtrace {

/// VoxelRecord::content of every voxel, [D, H, W].
std::vector<std::uint8_t> voxel_content(const Medium& medium);

}  // namespace renderfm::pathtrace
