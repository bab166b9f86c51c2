// A medium or a density grid laid out for tracing, with its majorants.
#pragma once

#include <cstdint>
#include <vector>

#include "pathtrace/huge_array.h"
#include "renderfm/medium/medium.h"
#include "renderfm/pathtrace/path_tracer.h"

namespace renderfm::pathtrace {

struct MediumData {
  MediumData(const Medium& medium, const PathTraceOptions& options);
  MediumPointers pointers() const;
  std::uint64_t hash() const;  ///< of all that it holds

  HugeArray<VoxelRecord> voxels;
  std::vector<std::uint32_t> split_before;
  HugeArray<CellClasses> cells;
  std::vector<std::uint8_t> gradient_factor;
  std::vector<float> sigma_t, opacity;
  std::vector<Vec3f> albedo;
  MediumPointers shape{};

 private:
  void fill_cells(const Medium& medium);  // of the voxels that are split
};

struct DensityData {
  explicit DensityData(const DensityGrid& grid);
  DensityPointers pointers() const;
  std::uint64_t hash() const;

  HugeArray<float> sigma_t;
  DensityPointers shape{};
};

}  // namespace renderfm::pathtrace
