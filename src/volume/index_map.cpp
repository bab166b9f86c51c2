#include "index_map.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "renderfm/core/parallel.h"

namespace renderfm {
namespace {

bool inside(Vec3d index, const Shape& shape) {
  return index.x >= -kEdge && index.y >= -kEdge && index.z >= -kEdge &&
         index.x <= static_cast<double>(shape[2] - 1) + kEdge &&
         index.y <= static_cast<double>(shape[1] - 1) + kEdge &&
         index.z <= static_cast<double>(shape[0] - 1) + kEdge;
}

// The two voxels around a coordinate, clamped to the grid, and the weight of the second.
struct Neighbours {
  std::int64_t low, high;
  float weight;
};

Neighbours neighbours(double coordinate, std::int64_t count) {
  const double clamped = std::clamp(coordinate, 0.0, static_cast<double>(count - 1));
  const double low = std::floor(clamped);
  const auto index = static_cast<std::int64_t>(low);
  return {index, std::min(index + 1, count - 1), static_cast<float>(clamped - low)};
}

template <class T>
T rounded(float value) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(std::lrintf(value));
  } else {
    return value;
  }
}

// Calls body(target offset, source index) for every target voxel.
template <class Body>
void for_each_target(const IndexMap& map, const Shape& shape, const Body& body) {
  parallel_for(0, shape[0] * shape[1], 64, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t row = first; row < last; ++row) {
      const Vec3d start{0, static_cast<double>(row % shape[1]), static_cast<double>(row / shape[1])};
      const Vec3d row_start = map(start), step = map.matrix.column(0);
      for (std::int64_t i = 0; i < shape[2]; ++i) {
        body(row * shape[2] + i, row_start + step * static_cast<double>(i));
      }
    }
  });
}

}  // namespace

IndexMap source_from_target(const Geometry& source, const Geometry& target) {
  IndexMap map;
  map.offset = source.index_from_world(target.world_from_index({0, 0, 0}));
  for (int axis = 0; axis < 3; ++axis) {
    Vec3d unit{0, 0, 0};
    unit[axis] = 1;
    // The far end of the axis, not its first voxel: rounding is then divided by the length.
    const auto length =
        static_cast<double>(std::max<std::int64_t>(1, target.shape_zyx[static_cast<std::size_t>(2 - axis)]));
    const Vec3d step =
        (source.index_from_world(target.world_from_index(unit * length)) - map.offset) * (1 / length);
    for (int row = 0; row < 3; ++row) map.matrix[row][axis] = step[row];
  }
  return map;
}

template <class T>
void sample_linear(const T* source, const Shape& source_shape, const IndexMap& map, T* target,
                   const Shape& target_shape, T outside) {
  const auto [depth, height, width] = source_shape;
  for_each_target(map, target_shape,
                  [&, depth = depth, height = height, width = width](std::int64_t offset, Vec3d index) {
                    if (!inside(index, source_shape)) {
                      target[offset] = outside;
                      return;
                    }
                    const Neighbours x = neighbours(index.x, width), y = neighbours(index.y, height),
                                     z = neighbours(index.z, depth);
                    const auto along_x = [&](std::int64_t k, std::int64_t j) {
                      const T* row = source + (k * height + j) * width;
                      const auto low = static_cast<float>(row[x.low]), high = static_cast<float>(row[x.high]);
                      return low + x.weight * (high - low);
                    };
                    const auto along_y = [&](std::int64_t k) {
                      const float low = along_x(k, y.low);
                      return low + y.weight * (along_x(k, y.high) - low);
                    };
                    const float low = along_y(z.low);
                    target[offset] = rounded<T>(low + z.weight * (along_y(z.high) - low));
                  });
}

template <class T>
void sample_nearest(const T* source, const Shape& source_shape, const IndexMap& map, T* target,
                    const Shape& target_shape, T outside) {
  const auto nearest = [](double coordinate, std::int64_t count) {
    return std::clamp(static_cast<std::int64_t>(std::floor(coordinate + 0.5)), std::int64_t{0}, count - 1);
  };
  for_each_target(map, target_shape, [&](std::int64_t offset, Vec3d index) {
    target[offset] = !inside(index, source_shape)
                         ? outside
                         : source[(nearest(index.z, source_shape[0]) * source_shape[1] +
                                   nearest(index.y, source_shape[1])) *
                                      source_shape[2] +
                                  nearest(index.x, source_shape[2])];
  });
}

template void sample_linear(const std::int16_t*, const Shape&, const IndexMap&, std::int16_t*, const Shape&,
                            std::int16_t);
template void sample_linear(const float*, const Shape&, const IndexMap&, float*, const Shape&, float);
template void sample_nearest(const std::uint8_t*, const Shape&, const IndexMap&, std::uint8_t*, const Shape&,
                             std::uint8_t);

}  // namespace renderfm
