#include "pathtrace/voxel_content.h"

#include <algorithm>

#include "renderfm/core/parallel.h"
#include "renderfm/pathtrace/medium_field.h"

namespace renderfm::pathtrace {
namespace {

static_assert(kMaxGapReach << kGapShift < kSplitVoxel && kMaxGapReach <= 255 >> kGapShift);

// The class of every voxel, or kSplitVoxel where its cells are not all of that one.
std::vector<std::uint8_t> voxel_classes(const Medium& medium) {
  const Geometry& grid = medium.geometry();
  const std::int64_t width = grid.width(), height = grid.height(), scale = medium.class_scale();
  const std::int64_t row = scale * width, slice = row * scale * height;
  std::vector<std::uint8_t> classes(static_cast<std::size_t>(grid.voxel_count()));
  parallel_for(0, grid.depth() * height, 32, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const CellClasses* cells =
          medium.class_map().data() + scale * (r / height) * slice + scale * (r % height) * row;
      std::uint8_t* out = classes.data() + r * width;
      for (std::int64_t i = 0; i < width; ++i, cells += scale) {
        bool same = cells->one();
        for (int cell = 1; cell < scale * scale * scale; ++cell) {
          same = same && cells[(cell >> 2) * slice + (cell >> 1 & 1) * row + (cell & 1)] == *cells;
        }
        out[i] = same ? cells->first() : kSplitVoxel;
      }
    }
  });
  return classes;
}

// near[n] = min over |m| <= kMaxGapReach of max(|m|, rows[n + m]) for `count` rows that lie `stride` apart.
void widen(std::uint8_t* first, std::int64_t count, std::int64_t stride, std::int64_t width,
           std::vector<std::uint8_t>& copy) {
  copy.resize(static_cast<std::size_t>(count * width));
  for (std::int64_t r = 0; r < count; ++r) std::copy_n(first + r * stride, width, copy.data() + r * width);
  for (std::int64_t r = 0; r < count; ++r) {
    std::uint8_t* out = first + r * stride;
    for (std::int64_t m = 1; m <= kMaxGapReach; ++m) {
      const auto least = static_cast<std::uint8_t>(m);
      const std::uint8_t* below = copy.data() + std::max<std::int64_t>(r - m, 0) * width;
      const std::uint8_t* above = copy.data() + std::min(r + m, count - 1) * width;
      for (std::int64_t i = 0; i < width; ++i) {
        out[i] = std::min(out[i], std::max(least, std::min(below[i], above[i])));
      }
    }
  }
}

// Along a row: how far the nearest voxel that is not empty lies, at most kMaxGapReach + 1.
void distances_along(const std::uint8_t* classes, std::int64_t width, std::uint8_t* out) {
  std::uint8_t distance = kMaxGapReach + 1;
  const auto pass = [&](std::int64_t i) {
    distance = classes[i] != 0 ? 0 : std::min<std::uint8_t>(distance + 1, kMaxGapReach + 1);
    out[i] = std::min(out[i], distance);
  };
  std::fill_n(out, width, distance);
  for (std::int64_t i = 0; i < width; ++i) pass(i);
  distance = kMaxGapReach + 1;
  for (std::int64_t i = width - 1; i >= 0; --i) pass(i);
}

}  // namespace

std::vector<std::uint8_t> voxel_content(const Medium& medium) {
  const auto [depth, height, width] = medium.geometry().shape_zyx;
  std::vector<std::uint8_t> content = voxel_classes(medium);
  std::vector<std::uint8_t> distance(content.size());
  const std::int64_t slice = height * width;
  parallel_for(0, depth, 1,
               [&, slice = slice, height = height, width = width](std::int64_t begin, std::int64_t end) {
                 std::vector<std::uint8_t> copy;
                 for (std::int64_t k = begin; k < end; ++k) {
                   for (std::int64_t row = k * slice; row < (k + 1) * slice; row += width) {
                     distances_along(content.data() + row, width, distance.data() + row);
                   }
                   widen(distance.data() + k * slice, height, width, width, copy);
                 }
               });
  parallel_for(0, height, 4,
               [&, slice = slice, depth = depth, width = width](std::int64_t begin, std::int64_t end) {
                 std::vector<std::uint8_t> copy;
                 for (std::int64_t j = begin; j < end; ++j)
                   widen(distance.data() + j * width, depth, slice, width, copy);
               });
  for (std::size_t v = 0; v < content.size(); ++v) {
    if (distance[v] > 1) content[v] = static_cast<std::uint8_t>((distance[v] - 1) << kGapShift);
  }
  return content;
}

}  // namespace renderfm::pathtrace
