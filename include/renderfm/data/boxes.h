// Which box of a scan becomes a training scene.
#pragma once

#include <cstdint>

#include "renderfm/medium/medium.h"
#include "renderfm/volume/crop.h"

namespace renderfm::data {

struct BoxWish {
  std::int64_t side_voxels = 96;   ///< of every axis; a shorter axis of the scan is taken whole
  double least_foreground = 0.02;  ///< wanted share of visible voxels
};

struct ChosenBox {
  VoxelBox box;
  double foreground = 0;  ///< its share of visible voxels
};

/// Uniform over the boxes of the grid that have enough foreground; after 256 draws without one, the fullest
/// box drawn. Throws kBadInput where the medium shows nothing.
ChosenBox choose_box(const Medium& medium, const BoxWish& wish, std::uint64_t seed);

}  // namespace renderfm::data
