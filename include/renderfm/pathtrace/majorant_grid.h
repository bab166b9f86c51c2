// Free flight through a medium that changes from voxel to voxel: a bound on the extinction per macro-cell, a
// walk over the cells that spends an optical depth drawn once, and empty space crossed in long strides.
// Delta tracking for paths (Woodcock 1965), ratio tracking for shadow rays (Novák et al. 2014).
#pragma once

#include <cstdint>

#include "renderfm/pathtrace/sampling.h"

namespace renderfm::pathtrace {

/// A cube around a point, axis by axis within `reach_voxels` of `middle_voxels`, in which nothing is visible;
/// none known where the reach is 0.
struct Gap {
  Vec3f middle_voxels{0, 0, 0};
  float reach_voxels = 0;
};

/// A cell is one word. Below 256: nothing in it, and none of its neighbours closer than `word` cells (in the
/// largest coordinate) holds anything. From 256: the bits of the float bound on sigma_t per mm, which holds
/// at every point of the cell under trilinear interpolation.
struct MajorantGrid {
  const std::uint32_t* cells;  ///< [nz, ny, nx]
  int nx, ny, nz;
  float cells_per_voxel;  ///< the reciprocal of the edge
  Vec3f size_cells;       ///< of the volume: the last cells may reach beyond it
};

RFM_HD bool is_empty_cell(std::uint32_t cell) { return cell < 256; }

/// The walk of one ray from cell to cell. Lengths along the ray are in mm.
class CellWalk {
 public:
  /// `point_voxels` inside the grid; `direction_voxels` in voxels per mm, one of its components not 0.
  RFM_HD CellWalk(const MajorantGrid& grid, Vec3f point_voxels, Vec3f direction_voxels)
      : grid_(grid),
        origin_(point_voxels * grid.cells_per_voxel),
        direction_(direction_voxels * grid.cells_per_voxel) {
    const int size[3] = {grid.nx, grid.ny, grid.nz};
    RFM_UNROLL
    for (int a = 0; a < 3; ++a) {
      const float d = direction_[a];
      // A ray along a face would give 0 * inf.
      inverse_[a] = 1.0F / (d > -1e-9F && d < 1e-9F ? (d < 0 ? -1e-9F : 1e-9F) : d);
      const int cell = static_cast<int>(origin_[a]);
      cell_[a] = cell < 0 ? 0 : (cell < size[a] ? cell : size[a] - 1);
      set_plane(a);
    }
  }

  RFM_HD bool inside() const {
    return static_cast<unsigned>(cell_[0]) < static_cast<unsigned>(grid_.nx) &&
           static_cast<unsigned>(cell_[1]) < static_cast<unsigned>(grid_.ny) &&
           static_cast<unsigned>(cell_[2]) < static_cast<unsigned>(grid_.nz);
  }
  RFM_HD std::uint32_t cell() const {
    return grid_.cells[(static_cast<std::int64_t>(cell_[2]) * grid_.ny + cell_[1]) * grid_.nx + cell_[0]];
  }
  /// Where the ray leaves the current cell.
  RFM_HD float exit() const {
    const float xy = plane_[0] < plane_[1] ? plane_[0] : plane_[1];
    return xy < plane_[2] ? xy : plane_[2];
  }
  /// Where the ray leaves a gap that it is in.
  RFM_HD float end_of(const Gap& gap) const {
    float end[3];
    RFM_UNROLL
    for (int a = 0; a < 3; ++a) {
      const float wall = gap.middle_voxels[a] + (inverse_[a] > 0 ? gap.reach_voxels : -gap.reach_voxels);
      end[a] = (wall * grid_.cells_per_voxel - origin_[a]) * inverse_[a];
    }
    const float xy = end[0] < end[1] ? end[0] : end[1];
    return xy < end[2] ? xy : end[2];
  }
  RFM_HD void step() {
    if (plane_[0] < plane_[1]) {
      if (plane_[0] < plane_[2]) return cross_plane(0);
    } else if (plane_[1] < plane_[2]) {
      return cross_plane(1);
    }
    cross_plane(2);
  }
  /// Leaves the cube of empty cells around this one, at the returned length.
  RFM_HD float leap(std::uint32_t distance) {
    const float more = static_cast<float>(distance - 1);
    float far[3];
    RFM_UNROLL
    for (int a = 0; a < 3; ++a) far[a] = plane_[a] + more * (inverse_[a] < 0 ? -inverse_[a] : inverse_[a]);
    const int axis = far[0] < far[1] ? (far[0] < far[2] ? 0 : 2) : (far[1] < far[2] ? 1 : 2);
    const float t = axis == 0 ? far[0] : (axis == 1 ? far[1] : far[2]);
    const int reach = static_cast<int>(distance);
    RFM_UNROLL
    for (int a = 0; a < 3; ++a) {
      const bool up = inverse_[a] > 0;
      if (a == axis) {
        cell_[a] += up ? reach : -reach;
      } else {
        // Rounding must not carry the walk back, nor out of the cube.
        const float at = origin_[a] + t * direction_[a];
        const int low = up ? cell_[a] : cell_[a] - (reach - 1), high = up ? cell_[a] + (reach - 1) : cell_[a];
        const int now = static_cast<int>(at) - (at < 0 ? 1 : 0);
        cell_[a] = now < low ? low : (now < high ? now : high);
      }
      set_plane(a);
    }
    return t;
  }

 private:
  RFM_HD void set_plane(int a) {
    const float face = static_cast<float>(cell_[a] + (inverse_[a] > 0 ? 1 : 0));
    const float end = grid_.size_cells[a];
    plane_[a] = ((face < end ? face : end) - origin_[a]) * inverse_[a];
  }
  RFM_HD void cross_plane(int a) {
    cell_[a] += inverse_[a] > 0 ? 1 : -1;
    set_plane(a);
  }

  const MajorantGrid& grid_;
  Vec3f origin_, direction_;  // in cells, cells per mm
  Vec3f inverse_, plane_{};   // mm per cell; where the next plane of each axis is crossed, mm
  int cell_[3];
};

/// Visits the tentative collisions of a ray in order: visit(length_mm, majorant, gap) returns false to stop
/// there. Where it tells of a gap around the point, the collisions that could only be null ones are left out;
/// free paths have no memory, so the flight begins anew at the gap's end. Returns true where it was stopped,
/// false where the ray left the grid.
template <class Visit>
RFM_HD bool walk_tentative_collisions(const MajorantGrid& grid, Vec3f point_voxels, Vec3f direction_voxels,
                                      Pcg32& random, Visit& visit) {
  CellWalk walk(grid, point_voxels, direction_voxels);
  float t = 0, depth_left = sample_optical_depth(random);
  while (walk.inside()) {
    const std::uint32_t cell = walk.cell();
    if (is_empty_cell(cell)) {
      const float exit = walk.leap(cell);
      t = exit > t ? exit : t;
      continue;
    }
    const float majorant = float_from_bits(static_cast<std::int32_t>(cell));
    const float exit = walk.exit();
    float depth = majorant * (exit - t);
    while (depth_left < depth) {
      t += depth_left / majorant;
      Gap gap;
      if (!visit(t, majorant, gap)) return true;
      if (gap.reach_voxels > 0) {
        const float end = walk.end_of(gap);
        t = end > t ? end : t;
      }
      depth_left = sample_optical_depth(random);
      depth = majorant * (exit - t);
    }
    if (depth > 0) depth_left -= depth;
    t = exit > t ? exit : t;
    walk.step();
  }
  return false;
}

/// Where along which ray extinction is asked for, and the numbers that it takes.
template <class Field>
struct RayInField {
  const Field& field;
  Vec3f point_voxels, direction_voxels;
  Pcg32& random;

  RFM_HD float extinction(float length_mm, float majorant, typename Field::Material& material,
                          Gap& gap) const {
    const std::uint32_t pick = random.next();
    const float sigma = field.extinction(point_voxels + direction_voxels * length_mm, pick, material, gap);
#if defined(RENDERFM_DEBUG_CHECKS) && !defined(__CUDACC__)
    if (!(sigma <= majorant)) __builtin_trap();
#else
    static_cast<void>(majorant);
#endif
    return sigma;
  }
};

/// Stops at a real collision.
template <class Field>
struct DeltaTracking {
  RayInField<Field> ray;
  float length_mm = 0;
  typename Field::Material material{};

  RFM_HD bool operator()(float t, float majorant, Gap& gap) {
    const float sigma = ray.extinction(t, majorant, material, gap);
    length_mm = t;
    if (sigma == 0) return true;
    return !(ray.random.template uniform<float>() * majorant < sigma);
  }
};

inline constexpr float kRatioRoulette = 0.1F;  ///< transmittance below which a shadow ray plays roulette

/// Multiplies what every tentative collision lets pass.
template <class Field>
struct RatioTracking {
  RayInField<Field> ray;
  float transmittance = 1;

  RFM_HD bool operator()(float t, float majorant, Gap& gap) {
    typename Field::Material material{};
    const float passed = 1.0F - ray.extinction(t, majorant, material, gap) / majorant;
    transmittance *= passed > 0 ? passed : 0.0F;
    if (transmittance >= kRatioRoulette) return true;
    const bool survives = ray.random.template uniform<float>() * kRatioRoulette < transmittance;
    transmittance = survives ? kRatioRoulette : 0.0F;
    return survives;
  }
};

/// Delta tracking: the next real collision along the ray, or false. `field` gives the extinction at a point;
/// `material` receives what it met there.
template <class Field>
RFM_HD bool next_collision(const Field& field, const MajorantGrid& grid, Vec3f point_voxels,
                           Vec3f direction_voxels, Pcg32& random, float& length_mm,
                           typename Field::Material& material) {
  DeltaTracking<Field> visit{{field, point_voxels, direction_voxels, random}, 0, {}};
  const bool collided = walk_tentative_collisions(grid, point_voxels, direction_voxels, random, visit);
  length_mm = visit.length_mm;
  material = visit.material;
  return collided;
}

/// Ratio tracking: an unbiased estimate of the transmittance from the point to the outside.
template <class Field>
RFM_HD float estimate_transmittance(const Field& field, const MajorantGrid& grid, Vec3f point_voxels,
                                    Vec3f direction_voxels, Pcg32& random) {
  RatioTracking<Field> visit{{field, point_voxels, direction_voxels, random}, 1};
  walk_tentative_collisions(grid, point_voxels, direction_voxels, random, visit);
  return visit.transmittance;
}

}  // namespace renderfm::pathtrace
