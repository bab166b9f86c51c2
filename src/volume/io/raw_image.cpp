#include "raw_image.h"

namespace renderfm {
namespace {
// 2^33 voxels: 16 GiB as HU. The largest clinical scans have a tenth of it.
constexpr std::int64_t kMaxVoxels = std::int64_t{1} << 33;
}  // namespace

std::size_t size_of(VoxelType type) {
  switch (type) {
    case VoxelType::kUint8:
    case VoxelType::kInt8: return 1;
    case VoxelType::kUint16:
    case VoxelType::kInt16: return 2;
    case VoxelType::kUint32:
    case VoxelType::kInt32:
    case VoxelType::kFloat32: return 4;
    case VoxelType::kUint64:
    case VoxelType::kInt64:
    case VoxelType::kFloat64: return 8;
  }
  fail_runtime("unknown voxel type {}", static_cast<int>(type));
}

void check_shape(const std::array<std::int64_t, 3>& shape_zyx, const std::string& name) {
  const auto [depth, height, width] = shape_zyx;
  const std::string shape = fmt::format("{} x {} x {} voxels", width, height, depth);
  if (depth < 1 || height < 1 || width < 1) {
    fail_input("{}: the header gives the impossible size of {}; export the scan again", name, shape);
  }
  if (depth < 2 || height < 2 || width < 2) {
    fail_input("{} is a two-dimensional image ({}); a volume of several slices is needed", name, shape);
  }
  if (width > kMaxVoxels / height || width * height > kMaxVoxels / depth) {
    fail_input("{}: the header gives the impossible size of {}; export the scan again", name, shape);
  }
}

int pick_time_point(std::int64_t count, int chosen, const std::string& name) {
  if (chosen < 0) return 0;
  if (chosen >= count) {
    fail_input("{} has {} time point{}, so there is no number {}; give --timepoint 0 to {}", name, count,
               count == 1 ? "" : "s", chosen, count - 1);
  }
  return chosen;
}

}  // namespace renderfm
