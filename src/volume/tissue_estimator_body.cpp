// The body without its table, and the air in it: lungs told from trachea and bowel gas.
#include <algorithm>
#include <array>
#include <cmath>

#include "tissue_estimator_parts.h"

namespace renderfm::tissue {
namespace {

constexpr int kTissueHu = -400;   // between air and tissue: fat ends near -150, lung near -500
constexpr int kOpenAirHu = -950;  // lungs have a median above, free air one below
constexpr double kTableMm = 4;    // half the thickness of a table's shell, which an opening removes
constexpr double kSkinMm = 3;     // what an opening rounds off the body is given back this far

// Tissue that is thick, large and partly muscle: torso, arms and head, but no table, cable or blanket.
Mask body_tissue(const CtVolume& ct) {
  const Geometry& grid = ct.geometry;
  Mask tissue(ct.voxels.size());
  for (std::size_t p = 0; p < tissue.size(); ++p) tissue[p] = ct.voxels[p] > kTissueHu;
  const Mask thick = erode(tissue, grid, kTableMm);
  const Components parts = connected_components(thick, grid);
  std::vector<std::int64_t> muscle(parts.size.size(), 0);
  for (std::size_t p = 0; p < thick.size(); ++p) {
    muscle[parts.label[p]] += ct.voxels[p] > 0 && ct.voxels[p] < 120;
  }
  std::vector<std::uint8_t> kept(parts.size.size(), 0);
  const std::int64_t largest =
      parts.size.size() > 1 ? *std::max_element(parts.size.begin() + 1, parts.size.end()) : 0;
  for (std::size_t part = 1; part < parts.size.size(); ++part) {
    const bool large = parts.size[part] >= std::min(largest, voxels_of_ml(grid, 10));
    kept[part] = large && muscle[part] * 10 >= parts.size[part];
  }
  Mask core(thick.size());
  for (std::size_t p = 0; p < core.size(); ++p) core[p] = kept[parts.label[p]];
  Mask body = dilate(core, grid, kTableMm + kSkinMm);
  for (std::size_t p = 0; p < body.size(); ++p) body[p] &= tissue[p];
  return body;
}

// Walks over the slices across the body's long axis, in whatever array order they lie.
struct Slices {
  std::int64_t count, rows, columns;
  std::int64_t slice_stride, row_stride, column_stride;

  Slices(const Geometry& grid, const BodyAxes& axes) {
    const std::array<std::int64_t, 3> stride{grid.height() * grid.width(), grid.width(), 1};
    count = grid.shape_zyx[axes.superior], slice_stride = stride[axes.superior];
    rows = grid.shape_zyx[axes.anterior], row_stride = stride[axes.anterior];
    columns = grid.shape_zyx[axes.left], column_stride = stride[axes.left];
  }
  std::int64_t offset(std::int64_t s, std::int64_t r, std::int64_t c) const {
    return s * slice_stride + r * row_stride + c * column_stride;
  }
};

// Marks the parts that touch a lateral side of the scan.
std::vector<std::uint8_t> parts_at_sides(const Components& parts, const Slices& slices) {
  std::vector<std::uint8_t> at_side(parts.size.size(), 0);
  for (std::int64_t s = 0; s < slices.count; ++s) {
    for (std::int64_t r = 0; r < slices.rows; ++r) {
      const bool edge_row = r == 0 || r == slices.rows - 1;
      const std::int64_t step = edge_row ? 1 : std::max<std::int64_t>(1, slices.columns - 1);
      for (std::int64_t c = 0; c < slices.columns; c += step)
        at_side[parts.label[slices.offset(s, r, c)]] = 1;
    }
  }
  at_side[0] = 0;
  return at_side;
}

// Where mouth and nose are in the scan, free air runs down into the lungs. In slices across the body such air
// is walled in: it belongs to the body where it is as light as lung, or narrow and near the midline as a
// windpipe. The gap between an arm and the chest is neither.
void take_back_walled_in_air(const CtVolume& ct, const Slices& slices, const Geometry& grid,
                             const BodyAxes& axes, Mask& outside) {
  const double pixel_cm2 = grid.spacing_zyx_mm[axes.left] * grid.spacing_zyx_mm[axes.anterior] / 100;
  constexpr double kWindpipeCm2 = 15;
  std::vector<std::uint8_t> seen(slices.rows * slices.columns);
  std::vector<std::pair<std::int32_t, std::int32_t>> stack, piece;
  for (std::int64_t s = 0; s < slices.count; ++s) {
    std::fill(seen.begin(), seen.end(), 0);
    const auto fill = [&](std::int64_t r0, std::int64_t c0) {
      piece.clear();
      const auto push = [&](std::int64_t r, std::int64_t c) {
        if (r < 0 || c < 0 || r >= slices.rows || c >= slices.columns) return;
        if (seen[r * slices.columns + c] || !outside[slices.offset(s, r, c)]) return;
        seen[r * slices.columns + c] = 1;
        stack.emplace_back(static_cast<std::int32_t>(r), static_cast<std::int32_t>(c));
      };
      push(r0, c0);
      while (!stack.empty()) {
        const auto [r, c] = stack.back();
        stack.pop_back();
        piece.emplace_back(r, c);
        push(r - 1, c), push(r + 1, c), push(r, c - 1), push(r, c + 1);
      }
    };
    for (std::int64_t r = 0; r < slices.rows; ++r) fill(r, 0), fill(r, slices.columns - 1);
    for (std::int64_t c = 0; c < slices.columns; ++c) fill(0, c), fill(slices.rows - 1, c);

    std::int64_t first = slices.columns, last = -1;  // where the body stands in this slice, left to right
    for (std::int64_t r = 0; r < slices.rows; ++r) {
      for (std::int64_t c = 0; c < slices.columns; ++c) {
        if (!outside[slices.offset(s, r, c)]) first = std::min(first, c), last = std::max(last, c);
      }
    }
    for (std::int64_t r = 0; r < slices.rows; ++r) {
      for (std::int64_t c = 0; c < slices.columns; ++c) {
        if (seen[r * slices.columns + c] || !outside[slices.offset(s, r, c)]) continue;
        fill(r, c);
        std::int64_t light = 0, column_sum = 0;
        for (const auto& [pr, pc] : piece) {
          light += ct.voxels[slices.offset(s, pr, pc)] > kOpenAirHu;
          column_sum += pc;
        }
        const auto n = static_cast<std::int64_t>(piece.size());
        const double middle = static_cast<double>(column_sum) / static_cast<double>(n);
        const double third = static_cast<double>(last - first) / 3;
        const bool central =
            middle > static_cast<double>(first) + third && middle < static_cast<double>(last) - third;
        const bool windpipe = central && static_cast<double>(n) * pixel_cm2 < kWindpipeCm2;
        if (2 * light > n || windpipe) {
          for (const auto& [pr, pc] : piece) outside[slices.offset(s, pr, pc)] = 0;
        }
      }
    }
  }
}

// Trachea and main bronchi: the part of the lungs' air that is free of tissue.
Mask free_air_inside(const Mask& lung_air, const std::vector<std::int16_t>& smooth_hu, const Geometry& grid) {
  constexpr int kLumenHu = -940;
  Mask lumen(lung_air.size());
  for (std::size_t p = 0; p < lumen.size(); ++p) lumen[p] = lung_air[p] && smooth_hu[p] < kLumenHu;
  const Components parts = connected_components(lumen, grid);
  const std::int64_t min_voxels = voxels_of_ml(grid, 2);
  const auto quantiles = hu_quantiles(parts, smooth_hu, min_voxels, {0.5});
  for (std::size_t p = 0; p < lumen.size(); ++p) {
    const std::uint32_t part = parts.label[p];
    lumen[p] = part > 0 && parts.size[part] >= min_voxels && quantiles[part][0] < -955;
  }
  // Its wall is blurred over one voxel.
  Mask wide = dilate(lumen, grid, 1.1 * grid.max_spacing_mm());
  for (std::size_t p = 0; p < wide.size(); ++p) wide[p] &= lung_air[p];
  return wide;
}

}  // namespace

BodyMasks find_body(const CtVolume& ct, const std::vector<std::int16_t>& smooth_hu) {
  const Geometry& grid = ct.geometry;
  const BodyAxes axes = body_axes(grid);
  const Slices slices(grid, axes);
  const std::size_t n = ct.voxels.size();

  const Mask tissue = body_tissue(ct);
  Mask open(n);
  for (std::size_t p = 0; p < n; ++p) open[p] = !tissue[p];
  Mask outside(n);
  {
    const Components parts = connected_components(open, grid);
    const auto median = hu_quantiles(parts, ct.voxels, voxels_of_ml(grid, 1), {0.5});
    const auto at_side = parts_at_sides(parts, slices);
    for (std::size_t p = 0; p < n; ++p) {
      const std::uint32_t part = parts.label[p];
      outside[p] = at_side[part] && (median[part].empty() || median[part][0] < kOpenAirHu);
    }
  }
  take_back_walled_in_air(ct, slices, grid, axes, outside);

  BodyMasks masks;
  masks.body.resize(n);
  for (std::size_t p = 0; p < n; ++p) masks.body[p] = !outside[p];

  // Air inside: each part is lung or gas by its size, its lightness, and whether the scan cuts it at the head
  // end.
  Mask inner(n);
  for (std::size_t p = 0; p < n; ++p) inner[p] = open[p] && !outside[p];
  const Components parts = connected_components(inner, grid);
  const std::int64_t min_voxels = voxels_of_ml(grid, 0.3);
  const auto quantiles = hu_quantiles(parts, smooth_hu, min_voxels, {0.1, 0.5});
  std::vector<std::int64_t> at_head(parts.size.size(), 0);
  const bool head_last = grid.direction[2][2 - axes.superior] > 0;
  for (std::int64_t r = 0; r < slices.rows; ++r) {
    for (std::int64_t c = 0; c < slices.columns; ++c) {
      ++at_head[parts.label[slices.offset(head_last ? slices.count - 1 : 0, r, c)]];
    }
  }
  enum : std::uint8_t { kGas, kLung, kSmallLung };
  std::vector<std::uint8_t> kind(parts.size.size(), kGas);
  for (std::size_t part = 1; part < parts.size.size(); ++part) {
    if (parts.size[part] < min_voxels) continue;
    const int tenth = quantiles[part][0], median = quantiles[part][1];
    // Gas is darker than lung; only a whole lung may be as dark as emphysema makes it.
    if (parts.size[part] >= voxels_of_ml(grid, 200) && median > -945 && tenth > -985) {
      kind[part] = kLung;
    } else if (median > -900 && tenth > -960) {
      kind[part] = at_head[part] > 0 ? kLung : kSmallLung;
    }
  }
  Mask lung_air(n);
  for (std::size_t p = 0; p < n; ++p) lung_air[p] = kind[parts.label[p]] == kLung;
  // Small recesses that partial volume cut off from their lung.
  const Mask near_lung = dilate(lung_air, grid, 4);
  std::vector<std::uint8_t> beside(parts.size.size(), 0);
  for (std::size_t p = 0; p < n; ++p) {
    if (near_lung[p]) beside[parts.label[p]] = 1;
  }
  for (std::size_t p = 0; p < n; ++p) {
    const std::uint32_t part = parts.label[p];
    if (kind[part] == kSmallLung && beside[part]) lung_air[p] = 1;
  }

  const Mask lumen = free_air_inside(lung_air, smooth_hu, grid);
  for (std::size_t p = 0; p < n; ++p) lung_air[p] = lung_air[p] && !lumen[p];
  masks.lung = close(lung_air, grid, 4);
  masks.airway.resize(n);
  for (std::size_t p = 0; p < n; ++p) {
    masks.lung[p] = masks.lung[p] && masks.body[p] && !lumen[p] && !(inner[p] && !lung_air[p]);
    masks.airway[p] = inner[p] && !masks.lung[p];
  }
  return masks;
}

}  // namespace renderfm::tissue
