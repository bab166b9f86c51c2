// Free flight through a medium that changes from voxel to voxel: a bound on the extinction per cell, a walk
// over the cells that spends an optical depth drawn once, and empty space crossed in long strides.
// Delta tracking for paths (Woodcock 1965), ratio tracking for shadow rays (Novák et al. 2014).
#pragma once

#include <cstdint>

#include "renderfm/pathtrace/sampling.h"

namespace renderfm::pathtrace {

/// What is known of a cell, in one byte. Up to kMaxLeap: nothing is in it, nor in any cell closer than `code`
/// cells (in the largest coordinate). Above: a bound on sigma_t per mm of (code - kMaxLeap) units, which
/// holds at every point of the cell.
using CellCode = std::uint8_t;
inline constexpr int kMaxLeap = 63, kBoundLevels = 255 - kMaxLeap;
inline constexpr int kBrickShift = 2, kBrickEdge = 1 << kBrickShift;  // cells along an edge of a brick

RFM_HD bool is_empty_cell(CellCode code) { return code <= kMaxLeap; }

/// Cells lie between voxel centres, so that trilinear interpolation sees no voxel beyond their corners: along
/// an axis cell c covers [c edge - 1/2, (c + 1) edge - 1/2] in voxel coordinates.
struct MajorantGrid {
  const CellCode* cells;          ///< in bricks of kBrickEdge cubed, each a cache line: offset()
  int nx, ny, nz;                 ///< cells, in whole bricks
  float cells_per_voxel;          ///< the reciprocal of the edge
  float low_cells;                ///< where the volume begins along every axis, and
  Vec3f high_cells;               ///< where it ends: within the outermost cells
  float sigma_t_per_mm_per_unit;  ///< of a bound

  RFM_HD std::int64_t offset(int x, int y, int z) const {
    constexpr int kWithin = kBrickEdge - 1;
    const std::int64_t brick =
        (static_cast<std::int64_t>(z >> kBrickShift) * (ny >> kBrickShift) + (y >> kBrickShift)) *
            (nx >> kBrickShift) +
        (x >> kBrickShift);
    return brick << (3 * kBrickShift) | (z & kWithin) << (2 * kBrickShift) | (y & kWithin) << kBrickShift |
           (x & kWithin);
  }
  RFM_HD Vec3f in_cells(Vec3f point_voxels) const {
    return point_voxels * cells_per_voxel + Vec3f{low_cells, low_cells, low_cells};
  }
  /// sigma_t per mm; 0 of an empty cell.
  RFM_HD float bound(CellCode code) const {
    return is_empty_cell(code) ? 0.0F : static_cast<float>(code - kMaxLeap) * sigma_t_per_mm_per_unit;
  }
};

/// The walk of one ray from cell to cell. Lengths along the ray are in mm.
class CellWalk {
 public:
  /// `point_voxels` inside the volume; `direction_voxels` in voxels per mm, one of its components not 0.
  RFM_HD CellWalk(const MajorantGrid& grid, Vec3f point_voxels, Vec3f direction_voxels)
      : grid_(grid),
        origin_(grid.in_cells(point_voxels)),
        direction_(direction_voxels * grid.cells_per_voxel),
        end_(3.0e38F) {
    const int size[3] = {grid.nx, grid.ny, grid.nz};
    RFM_UNROLL
    for (int a = 0; a < 3; ++a) {
      const float d = direction_[a];
      // A ray along a face would give 0 * inf.
      inverse_[a] = 1.0F / (d > -1e-9F && d < 1e-9F ? (d < 0 ? -1e-9F : 1e-9F) : d);
      const int cell = static_cast<int>(origin_[a]);
      cell_[a] = cell < 0 ? 0 : (cell < size[a] ? cell : size[a] - 1);
      set_plane(a);
      const float wall = inverse_[a] > 0 ? grid.high_cells[a] : grid.low_cells;
      const float leaves = (wall - origin_[a]) * inverse_[a];
      end_ = leaves < end_ ? leaves : end_;
    }
  }

  /// Where the ray leaves the volume.
  RFM_HD float end() const { return end_; }
  RFM_HD CellCode cell() const { return grid_.cells[grid_.offset(cell_[0], cell_[1], cell_[2])]; }
  /// Where the ray leaves the current cell, or the volume if that is sooner.
  RFM_HD float exit() const {
    const float xy = plane_[0] < plane_[1] ? plane_[0] : plane_[1];
    const float zw = plane_[2] < end_ ? plane_[2] : end_;
    return xy < zw ? xy : zw;
  }
  /// To the next cell; not beyond end().
  RFM_HD void step() {
    if (plane_[0] < plane_[1]) {
      if (plane_[0] < plane_[2]) return cross_plane(0);
    } else if (plane_[1] < plane_[2]) {
      return cross_plane(1);
    }
    cross_plane(2);
  }
  /// Leaves the cube of empty cells around this one, at the returned length; beyond end() the walk is over.
  RFM_HD float leap(int distance) {
    const float more = static_cast<float>(distance - 1);
    float far[3];
    RFM_UNROLL
    for (int a = 0; a < 3; ++a) far[a] = plane_[a] + more * (inverse_[a] < 0 ? -inverse_[a] : inverse_[a]);
    const int axis = far[0] < far[1] ? (far[0] < far[2] ? 0 : 2) : (far[1] < far[2] ? 1 : 2);
    const float t = axis == 0 ? far[0] : (axis == 1 ? far[1] : far[2]);
    RFM_UNROLL
    for (int a = 0; a < 3; ++a) {
      const bool up = inverse_[a] > 0;
      if (a == axis) {
        cell_[a] += up ? distance : -distance;
      } else {
        // Rounding must not carry the walk back, nor out of the cube.
        const float at = origin_[a] + t * direction_[a];
        const int low = up ? cell_[a] : cell_[a] - (distance - 1),
                  high = up ? cell_[a] + (distance - 1) : cell_[a];
        const int now = static_cast<int>(at) - (at < 0 ? 1 : 0);
        cell_[a] = now < low ? low : (now < high ? now : high);
      }
      set_plane(a);
    }
    return t;
  }

 private:
  RFM_HD void set_plane(int a) {
    plane_[a] = (static_cast<float>(cell_[a] + (inverse_[a] > 0 ? 1 : 0)) - origin_[a]) * inverse_[a];
  }
  RFM_HD void cross_plane(int a) {
    cell_[a] += inverse_[a] > 0 ? 1 : -1;
    set_plane(a);
  }

  const MajorantGrid& grid_;
  Vec3f origin_, direction_;  // in cells, cells per mm
  Vec3f inverse_, plane_{};   // mm per cell; where the next plane of each axis is crossed, mm
  float end_;
  int cell_[3];
};

/// Visits the tentative collisions of a ray in order: visit(length_mm, majorant) returns false to stop there.
/// Returns true where it was stopped, false where the ray left the volume.
template <class Visit>
RFM_HD bool walk_tentative_collisions(const MajorantGrid& grid, Vec3f point_voxels, Vec3f direction_voxels,
                                      Pcg32& random, Visit& visit) {
  CellWalk walk(grid, point_voxels, direction_voxels);
  float t = 0, depth_left = sample_optical_depth(random);
  for (;;) {
    const CellCode cell = walk.cell();
    if (is_empty_cell(cell) && cell > 1) {  // to the next cell a step is cheaper
      const float exit = walk.leap(cell);
      if (!(exit < walk.end())) return false;
      t = exit > t ? exit : t;
      continue;
    }
    const float majorant = grid.bound(cell), exit = walk.exit();
    float depth = majorant * (exit - t);
    while (depth_left < depth) {
      t += depth_left / majorant;
      if (!visit(t, majorant)) return true;
      depth_left = sample_optical_depth(random);
      depth = majorant * (exit - t);
    }
    if (!(exit < walk.end())) return false;
    if (depth > 0) depth_left -= depth;
    t = exit > t ? exit : t;
    walk.step();
  }
}

/// Where along which ray extinction is asked for, and the numbers that it takes.
template <class Field>
struct RayInField {
  const Field& field;
  Vec3f point_voxels, direction_voxels;
  Pcg32& random;

  RFM_HD float extinction(float length_mm, float majorant, typename Field::Material& material) const {
    const std::uint32_t pick = random.next();
    const float sigma = field.extinction(point_voxels + direction_voxels * length_mm, pick, material);
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

  RFM_HD bool operator()(float t, float majorant) {
    const float sigma = ray.extinction(t, majorant, material);
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

  RFM_HD bool operator()(float t, float majorant) {
    typename Field::Material material{};
    const float passed = 1.0F - ray.extinction(t, majorant, material) / majorant;
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
