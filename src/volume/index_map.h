// From the voxel indices of one grid to those of another, and the two ways of sampling along such a map that
// need no averaging. resample.cpp adds the averaging where a grid gets coarser.
#pragma once

#include <array>
#include <cstdint>

#include "renderfm/volume/geometry.h"

namespace renderfm {

/// source index (x, y, z) = matrix * target index + offset.
struct IndexMap {
  Mat3d matrix = Mat3d::identity();
  Vec3d offset{0, 0, 0};

  Vec3d operator()(Vec3d index_xyz) const { return matrix * index_xyz + offset; }
};

IndexMap source_from_target(const Geometry& source, const Geometry& target);

/// Indices up to half a voxel beyond the outermost centres still lie inside an edge voxel. The extra hair
/// absorbs rounding, so that a grid that just covers another has no missing faces.
inline constexpr double kEdge = 0.5 + 1e-3;

using Shape = std::array<std::int64_t, 3>;  ///< D, H, W

/// Trilinear, rounded; `outside` beyond the source. For int16 and float.
template <class T>
void sample_linear(const T* source, const Shape& source_shape, const IndexMap& map, T* target,
                   const Shape& target_shape, T outside);

/// Nearest voxel; `outside` beyond the source.
template <class T>
void sample_nearest(const T* source, const Shape& source_shape, const IndexMap& map, T* target,
                    const Shape& target_shape, T outside);

}  // namespace renderfm
