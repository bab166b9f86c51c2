// Morphology with Euclidean balls in mm. A dilation is a threshold on the squared distance to the mask, which
// separates into one pass per axis; distances beyond the radius need not be right, so each pass looks only
// that far.
#include <algorithm>
#include <cmath>

#include "renderfm/core/parallel.h"
#include "tissue_estimator_parts.h"

namespace renderfm::tissue {
namespace {

// Squared distances are whole numbers in units of radius^2 / kRadius2. Everything beyond is kFar; the sum of
// two entries still fits 16 bits.
constexpr std::uint16_t kRadius2 = 16000;
constexpr std::uint16_t kFar = 30000;

// Cost of a step of n voxels along an axis, for n up to the radius.
std::vector<std::uint16_t> step_costs(double spacing_mm, double radius_mm) {
  std::vector<std::uint16_t> costs;
  for (int n = 0;; ++n) {
    const double ratio = n * spacing_mm / radius_mm;
    if (ratio > 1 + 1e-9) return costs;
    costs.push_back(static_cast<std::uint16_t>(std::floor(ratio * ratio * kRadius2)));
  }
}

// Squared distance along one row to the nearest voxel equal to `wanted`.
void row_distances(const std::uint8_t* row, std::int64_t width, std::uint8_t wanted,
                   const std::vector<std::uint16_t>& costs, std::uint16_t* out) {
  const auto reach = static_cast<std::int64_t>(costs.size());
  std::int64_t steps = reach;
  for (std::int64_t i = 0; i < width; ++i) {
    steps = row[i] == wanted ? 0 : steps + 1;
    out[i] = steps < reach ? costs[steps] : kFar;
  }
  steps = reach;
  for (std::int64_t i = width; i-- > 0;) {
    steps = row[i] == wanted ? 0 : steps + 1;
    if (steps < reach) out[i] = std::min(out[i], costs[steps]);
  }
}

void take_minimum(const std::uint16_t* in, std::uint16_t cost, std::int64_t count, std::uint16_t* out) {
  for (std::int64_t i = 0; i < count; ++i) {
    const auto sum = static_cast<std::uint16_t>(in[i] + cost);
    out[i] = std::min(out[i], sum);
  }
}

// 1 where a voxel equal to `wanted` lies within the radius.
Mask near(const Mask& mask, const Geometry& grid, double radius_mm, std::uint8_t wanted) {
  const std::int64_t depth = grid.depth(), height = grid.height(), width = grid.width(),
                     plane = height * width;
  const auto costs_x = step_costs(grid.spacing_zyx_mm[2], radius_mm);
  const auto costs_y = step_costs(grid.spacing_zyx_mm[1], radius_mm);
  const auto costs_z = step_costs(grid.spacing_zyx_mm[0], radius_mm);
  std::vector<std::uint16_t> in_plane(mask.size());
  parallel_for(0, depth, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::uint16_t> rows(plane);
    for (std::int64_t k = begin; k < end; ++k) {
      for (std::int64_t j = 0; j < height; ++j) {
        row_distances(&mask[k * plane + j * width], width, wanted, costs_x, &rows[j * width]);
      }
      std::uint16_t* out = &in_plane[k * plane];
      std::copy(rows.begin(), rows.end(), out);
      for (std::int64_t n = 1; n < static_cast<std::int64_t>(costs_y.size()) && n < height; ++n) {
        const std::int64_t shift = n * width;
        take_minimum(rows.data(), costs_y[n], plane - shift, out + shift);
        take_minimum(rows.data() + shift, costs_y[n], plane - shift, out);
      }
    }
  });
  Mask out(mask.size());
  parallel_for(0, depth, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::uint16_t> sum(plane);
    for (std::int64_t k = begin; k < end; ++k) {
      std::copy_n(&in_plane[k * plane], plane, sum.begin());
      for (std::int64_t n = 1; n < static_cast<std::int64_t>(costs_z.size()); ++n) {
        if (k - n >= 0) take_minimum(&in_plane[(k - n) * plane], costs_z[n], plane, sum.data());
        if (k + n < depth) take_minimum(&in_plane[(k + n) * plane], costs_z[n], plane, sum.data());
      }
      for (std::int64_t p = 0; p < plane; ++p) out[k * plane + p] = sum[p] <= kRadius2;
    }
  });
  return out;
}

// Sums of three neighbours along an axis of `stride` with `length` voxels, divided by how many there are.
void smooth_axis(std::vector<std::int16_t>& values, std::int64_t stride, std::int64_t length) {
  const std::int64_t block = stride * length;
  const std::int64_t blocks = static_cast<std::int64_t>(values.size()) / block;
  const auto smooth_lines = [&](std::int64_t b, std::int64_t first, std::int64_t last) {
    // Lines run side by side: neighbours in memory are neighbouring lines, so the inner loop is over them.
    std::vector<std::int16_t> before(last - first), here(last - first);
    std::int16_t* base = &values[b * block];
    for (std::int64_t s = 0; s < length; ++s) {
      std::int16_t* row = base + s * stride + first;
      const std::int16_t* after = s + 1 < length ? row + stride : row;
      for (std::int64_t i = 0; i < last - first; ++i) {
        here[i] = row[i];
        const int left = s > 0 ? before[i] : row[i];
        row[i] = static_cast<std::int16_t>((left + row[i] + after[i]) / 3);
      }
      std::swap(before, here);
    }
  };
  if (blocks > 1) {
    parallel_for(0, blocks, 16, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t b = begin; b < end; ++b) smooth_lines(b, 0, stride);
    });
  } else {
    parallel_for(0, stride, 4096, [&](std::int64_t begin, std::int64_t end) { smooth_lines(0, begin, end); });
  }
}

}  // namespace

Mask dilate(const Mask& mask, const Geometry& grid, double radius_mm) {
  return near(mask, grid, radius_mm, 1);
}

Mask erode(const Mask& mask, const Geometry& grid, double radius_mm) {
  Mask out = near(mask, grid, radius_mm, 0);
  for (std::uint8_t& voxel : out) voxel ^= 1;
  return out;
}

Mask close(const Mask& mask, const Geometry& grid, double radius_mm) {
  return erode(dilate(mask, grid, radius_mm), grid, radius_mm);
}

std::vector<std::int16_t> smooth(const CtVolume& ct, double max_spacing_mm) {
  const Geometry& grid = ct.geometry;
  std::vector<std::int16_t> values = ct.voxels;
  if (grid.spacing_zyx_mm[2] < max_spacing_mm) smooth_axis(values, 1, grid.width());
  if (grid.spacing_zyx_mm[1] < max_spacing_mm) smooth_axis(values, grid.width(), grid.height());
  if (grid.spacing_zyx_mm[0] < max_spacing_mm)
    smooth_axis(values, grid.width() * grid.height(), grid.depth());
  return values;
}

}  // namespace renderfm::tissue
