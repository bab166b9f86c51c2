// Bounds on the extinction per cell, and how far empty space reaches from each.
#pragma once

#include <cstdint>

#include "pathtrace/huge_array.h"
#include "renderfm/pathtrace/density_field.h"
#include "renderfm/pathtrace/majorant_grid.h"

namespace renderfm::pathtrace {

struct Majorants {
  HugeArray<CellCode> cells;  ///< as MajorantGrid::cells
  int nx = 0, ny = 0, nz = 0;
  int edge_voxels = 1;
  Vec3f size_voxels{0, 0, 0};
  float sigma_t_per_mm_per_unit = 0;
  MajorantGrid pointers() const;
};

/// `skip_empty` false gives every empty cell the distance 1.
Majorants build_majorants(const MediumPointers& medium, int edge_voxels, bool skip_empty);
Majorants build_majorants(const DensityPointers& density, int edge_voxels, bool skip_empty);

}  // namespace renderfm::pathtrace
