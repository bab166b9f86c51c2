// Bounds on the extinction per macro-cell, and how far empty space reaches from each.
#pragma once

#include <cstdint>
#include <vector>

#include "renderfm/pathtrace/density_field.h"
#include "renderfm/pathtrace/majorant_grid.h"

namespace renderfm::pathtrace {

struct Majorants {
  std::vector<std::uint32_t> cells;  ///< as MajorantGrid::cells
  int nx = 0, ny = 0, nz = 0;
  int edge_voxels = 1;
  Vec3f size_voxels{0, 0, 0};
  MajorantGrid pointers() const;
};

/// `skip_empty` false gives every empty cell the distance 1.
Majorants build_majorants(const MediumPointers& medium, int edge_voxels, bool skip_empty);
Majorants build_majorants(const DensityPointers& density, int edge_voxels, bool skip_empty);

}  // namespace renderfm::pathtrace
