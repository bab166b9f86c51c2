// An image as its file holds it: values not yet HU, axes not yet orthonormal. What every reader returns.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "renderfm/core/check.h"
#include "renderfm/math/vec.h"

namespace renderfm {

enum class VoxelType { kUint8, kInt8, kUint16, kInt16, kUint32, kInt32, kUint64, kInt64, kFloat32, kFloat64 };

std::size_t size_of(VoxelType type);

/// World LPS mm of voxel index (x, y, z): columns * index + origin_mm. Columns are voxel steps, not unit
/// vectors, and need not be orthogonal.
struct VoxelAffine {
  Mat3d columns_mm = Mat3d::identity();
  Vec3d origin_mm{0, 0, 0};
};

/// One three-dimensional image, x fastest, in host byte order. A value is slope * stored + intercept.
struct RawImage {
  std::string name;  ///< what messages call it: the path as the user gave it
  std::array<std::int64_t, 3> shape_zyx{0, 0, 0};
  VoxelAffine affine;
  VoxelType type = VoxelType::kInt16;
  std::vector<std::byte> bytes;
  double slope = 1, intercept = 0;

  std::int64_t voxel_count() const { return shape_zyx[0] * shape_zyx[1] * shape_zyx[2]; }
};

/// Calls visit(pointer to the stored values, typed).
template <class Visitor>
decltype(auto) visit_voxels(const RawImage& image, Visitor&& visit) {
  const void* data = image.bytes.data();
  switch (image.type) {
    case VoxelType::kUint8: return visit(static_cast<const std::uint8_t*>(data));
    case VoxelType::kInt8: return visit(static_cast<const std::int8_t*>(data));
    case VoxelType::kUint16: return visit(static_cast<const std::uint16_t*>(data));
    case VoxelType::kInt16: return visit(static_cast<const std::int16_t*>(data));
    case VoxelType::kUint32: return visit(static_cast<const std::uint32_t*>(data));
    case VoxelType::kInt32: return visit(static_cast<const std::int32_t*>(data));
    case VoxelType::kUint64: return visit(static_cast<const std::uint64_t*>(data));
    case VoxelType::kInt64: return visit(static_cast<const std::int64_t*>(data));
    case VoxelType::kFloat32: return visit(static_cast<const float*>(data));
    case VoxelType::kFloat64: return visit(static_cast<const double*>(data));
  }
  fail_runtime("{}: unknown voxel type", image.name);
}

/// Throws kBadInput unless `shape_zyx` is a volume of at least 2 voxels along every axis and of a size that
/// can be held in memory.
void check_shape(const std::array<std::int64_t, 3>& shape_zyx, const std::string& name);

/// Which of `count` time points to read: the chosen one, or the first, which `chosen` < 0 asks for. Throws
/// kBadInput where there is no such time point.
int pick_time_point(std::int64_t count, int chosen, const std::string& name);

}  // namespace renderfm
