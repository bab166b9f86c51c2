// The sweep: planes of the volume are visited from the side the light comes from, and a plane of
// transmittance is carried along, shifted by the direction's slope (bilinear) and dimmed by the voxels it
// passes. One sweep costs a few operations a voxel, whatever the occluders, and its slight blur is welcome in
// a diffuse quantity. The nine directions through one face of a cube go together, so that a voxel is loaded
// once for all of them.

#include "renderfm/medium/ambient_light.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "renderfm/core/parallel.h"
#include "renderfm/medium/surface_probability.h"

namespace renderfm {
namespace {

/// A plane-by-plane walk through [D, H, W] storage: `plane` counts along the main axis, `row` and `column`
/// inside.
struct SweepAxes {
  std::array<std::int64_t, 3> size;    ///< planes, rows, columns
  std::array<std::int64_t, 3> stride;  ///< in voxels
  std::array<int, 3> world_axis;       ///< 0 x, 1 y, 2 z of planes, rows, columns
};

struct SweepDirection {
  float row_slope, column_slope;  ///< voxels per plane
  int length_class;               ///< which of kLengths path lengths from plane to plane
  Vec3f towards_light;            ///< unit, world
  float weight;                   ///< solid angle / 4 pi
};

constexpr int kPerSide = 3;  // directions through a cube's face, per axis
constexpr int kPerFace = kPerSide * kPerSide;
constexpr int kLengths = 3;  // their tangents are 0 and +-2/3

/// The directions through one face of a cube around the voxel, all on the same side.
struct FaceSweep {
  bool forward;  ///< planes in rising order
  std::array<float, kLengths> step_mm;
  std::array<SweepDirection, kPerFace> directions;
};

/// What one voxel gathers; kept in one record since a sweep touches all of it.
struct Gathered {
  Vec3f surface_normal;     ///< outward, times p_s
  float volume_weight;      ///< 1 - p_s
  std::int64_t listens_at;  ///< the voxel where its light is measured
  std::int32_t next = -1;   ///< another listener at the same voxel
  float received = 0;
  float exposure = 0;
};

/// A surface voxel is lit through its outer face, so it listens one voxel outwards: among its own neighbours,
/// light that grazes the surface would already be lost.
std::int64_t outward_neighbour(const Geometry& grid, std::int64_t voxel, Vec3f surface_normal) {
  const std::int64_t i = voxel % grid.width(), row = voxel / grid.width();
  const auto step = [](std::int64_t at, float component, std::int64_t size) {
    return std::clamp<std::int64_t>(at + std::lround(component), 0, size - 1);
  };
  return grid.offset(step(row / grid.height(), surface_normal.z, grid.depth()),
                     step(row % grid.height(), surface_normal.y, grid.height()),
                     step(i, surface_normal.x, grid.width()));
}

/// A plane of transmittance with a border of 1, the light outside the volume.
class LightPlane {
 public:
  LightPlane(std::int64_t rows, std::int64_t columns, std::int64_t border)
      : border_(border),
        pitch_(columns + 2 * border),
        values_(static_cast<std::size_t>((rows + 2 * border) * pitch_), 1.0F) {}
  float* row(std::int64_t r) { return values_.data() + (r + border_) * pitch_ + border_; }
  const float* row(std::int64_t r) const { return values_.data() + (r + border_) * pitch_ + border_; }

 private:
  std::int64_t border_, pitch_;
  std::vector<float> values_;
};

class Sweeper {
 public:
  Sweeper(const std::vector<float>& sigma_t, const SweepAxes& axes, const std::vector<std::int32_t>& slot,
          std::vector<Gathered>& gathered)
      : sigma_t_(sigma_t), axes_(axes), slot_(slot), gathered_(gathered) {}

  void sweep(const FaceSweep& face) {
    std::int64_t border = 2;  // bilinear reads reach floor(slope) and one beyond
    for (const SweepDirection& direction : face.directions) {
      const float slope = std::max(std::abs(direction.row_slope), std::abs(direction.column_slope));
      border = std::max(border, static_cast<std::int64_t>(std::ceil(slope)) + 1);
    }
    const LightPlane open(axes_.size[1], axes_.size[2], border);
    std::vector<LightPlane> incoming(kPerFace, open), outgoing(kPerFace, open);
    const std::int64_t planes = axes_.size[0];
    const std::int64_t grain = std::max<std::int64_t>(1, 4096 / std::max<std::int64_t>(1, axes_.size[2]));
    for (std::int64_t n = 0; n < planes; ++n) {
      incoming.swap(outgoing);
      const std::int64_t plane = face.forward ? n : planes - 1 - n;
      parallel_for(0, axes_.size[1], grain, [&](std::int64_t begin, std::int64_t end) {
        RowScratch scratch(axes_.size[2]);
        for (std::int64_t row = begin; row < end; ++row) {
          load_row(face, plane, row, scratch);
          for (int d = 0; d < kPerFace; ++d) {
            sweep_row(face.directions[d], incoming[d], row, scratch, outgoing[d].row(row));
          }
        }
      });
    }
  }

 private:
  struct RowScratch {
    explicit RowScratch(std::int64_t columns) {
      for (auto& values : attenuation) values.resize(static_cast<std::size_t>(columns));
    }
    std::array<std::vector<float>, kLengths> attenuation;
    std::vector<std::pair<std::int64_t, std::int32_t>>
        listeners;       ///< column and slot of the voxels that gather
    bool empty = false;  ///< nothing dims the light along this row
  };

  void load_row(const FaceSweep& face, std::int64_t plane, std::int64_t row, RowScratch& scratch) const {
    const std::int64_t base = plane * axes_.stride[0] + row * axes_.stride[1];
    scratch.listeners.clear();
    scratch.empty = true;
    for (std::int64_t column = 0; column < axes_.size[2]; ++column) {
      const std::int64_t voxel = base + column * axes_.stride[2];
      const float sigma = sigma_t_[voxel];
      for (std::int32_t slot = slot_[voxel]; slot >= 0; slot = gathered_[slot].next) {
        scratch.listeners.emplace_back(column, slot);
      }
      scratch.empty = scratch.empty && !(sigma > 0);
      for (int length = 0; length < kLengths; ++length) {
        scratch.attenuation[length][column] = sigma > 0 ? std::exp(-sigma * face.step_mm[length]) : 1.0F;
      }
    }
  }

  void sweep_row(const SweepDirection& direction, const LightPlane& incoming, std::int64_t row,
                 const RowScratch& scratch, float* out) const {
    // The light reached this row from `slope` voxels upstream.
    const float row_shift = std::floor(-direction.row_slope),
                column_shift = std::floor(-direction.column_slope);
    const float row_weight = -direction.row_slope - row_shift;
    const float column_weight = -direction.column_slope - column_shift;
    const float* const upper =
        incoming.row(row + static_cast<std::int64_t>(row_shift)) + static_cast<std::int64_t>(column_shift);
    const float* const lower = incoming.row(row + static_cast<std::int64_t>(row_shift) + 1) +
                               static_cast<std::int64_t>(column_shift);
    const float w00 = (1 - row_weight) * (1 - column_weight), w01 = (1 - row_weight) * column_weight;
    const float w10 = row_weight * (1 - column_weight), w11 = row_weight * column_weight;
    const std::int64_t columns = axes_.size[2];
    for (std::int64_t c = 0; c < columns; ++c) {
      out[c] = w00 * upper[c] + w01 * upper[c + 1] + w10 * lower[c] + w11 * lower[c + 1];
    }
    for (const auto& [column, slot] : scratch.listeners) gather(gathered_[slot], direction, out[column]);
    if (scratch.empty) return;
    const float* const attenuation = scratch.attenuation[direction.length_class].data();
    for (std::int64_t c = 0; c < columns; ++c) out[c] *= attenuation[c];
  }

  static void gather(Gathered& voxel, const SweepDirection& direction, float transmittance) {
    // Mean over the sphere for the phase part; max(0, cos) / pi over the hemisphere for the surface part.
    const float cosine = std::max(0.0F, dot(voxel.surface_normal, direction.towards_light));
    voxel.received += transmittance * direction.weight * (voxel.volume_weight + 4 * cosine);
    voxel.exposure = std::max(voxel.exposure, transmittance);
  }

  const std::vector<float>& sigma_t_;
  SweepAxes axes_;
  const std::vector<std::int32_t>& slot_;  ///< first listener of every voxel, -1 for none
  std::vector<Gathered>& gathered_;
};

/// Both sides of one axis: nine directions each, weighted by the solid angle of their cells.
std::array<FaceSweep, 2> face_sweeps(const SweepAxes& axes, Vec3d spacing_mm) {
  const double plane_mm = spacing_mm[axes.world_axis[0]];
  std::array<FaceSweep, 2> sides{};
  double total = 0;
  for (const bool forward : {true, false}) {
    FaceSweep& side = sides[forward ? 0 : 1];
    side.forward = forward;
    for (int n = 0; n < kPerFace; ++n) {
      const double row_tangent = 2.0 * (n / kPerSide + 0.5) / kPerSide - 1;
      const double column_tangent = 2.0 * (n % kPerSide + 0.5) / kPerSide - 1;
      const double length = std::sqrt(1 + row_tangent * row_tangent + column_tangent * column_tangent);
      SweepDirection& direction = side.directions[n];
      direction.row_slope = static_cast<float>(row_tangent * plane_mm / spacing_mm[axes.world_axis[1]]);
      direction.column_slope = static_cast<float>(column_tangent * plane_mm / spacing_mm[axes.world_axis[2]]);
      direction.length_class = (n / kPerSide != 1) + (n % kPerSide != 1);
      side.step_mm[direction.length_class] = static_cast<float>(plane_mm * length);
      direction.weight = static_cast<float>(1 / (length * length * length));
      total += 1 / (length * length * length);
      direction.towards_light[axes.world_axis[0]] = static_cast<float>((forward ? -1 : 1) / length);
      direction.towards_light[axes.world_axis[1]] = static_cast<float>(-row_tangent / length);
      direction.towards_light[axes.world_axis[2]] = static_cast<float>(-column_tangent / length);
    }
  }
  // Three axes share the sphere equally.
  for (FaceSweep& side : sides) {
    for (SweepDirection& direction : side.directions)
      direction.weight = static_cast<float>(static_cast<double>(direction.weight) / (3 * total));
  }
  return sides;
}

}  // namespace

AmbientLight compute_ambient_light(const Medium& medium, const std::vector<std::int64_t>& voxels) {
  const Geometry& grid = medium.geometry();
  std::vector<std::int32_t> slot(static_cast<std::size_t>(grid.voxel_count()), -1);
  std::vector<Gathered> gathered(voxels.size());
  parallel_for(0, static_cast<std::int64_t>(voxels.size()), 8192, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      const Vec3f gradient = medium.opacity_gradient_per_mm(voxels[n]);
      const float probability = surface_probability(norm(gradient));
      gathered[n].volume_weight = 1 - probability;
      gathered[n].surface_normal =
          probability > 0 ? gradient * (-probability / norm(gradient)) : Vec3f{0, 0, 0};
      gathered[n].listens_at = outward_neighbour(grid, voxels[n], gathered[n].surface_normal);
    }
  });
  for (std::size_t n = 0; n < gathered.size(); ++n) {
    gathered[n].next = std::exchange(slot[gathered[n].listens_at], static_cast<std::int32_t>(n));
  }

  const std::int64_t plane = grid.height() * grid.width(), row = grid.width();
  const std::array<SweepAxes, 3> walks{
      SweepAxes{{grid.depth(), grid.height(), grid.width()}, {plane, row, 1}, {2, 1, 0}},
      SweepAxes{{grid.height(), grid.depth(), grid.width()}, {row, plane, 1}, {1, 2, 0}},
      SweepAxes{{grid.width(), grid.depth(), grid.height()}, {1, plane, row}, {0, 2, 1}}};
  for (const SweepAxes& axes : walks) {
    Sweeper sweeper(medium.sigma_t_per_mm(), axes, slot, gathered);
    for (const FaceSweep& side : face_sweeps(axes, grid.spacing_xyz_mm())) sweeper.sweep(side);
  }

  AmbientLight light;
  light.received.reserve(voxels.size());
  light.exposure.reserve(voxels.size());
  for (const Gathered& voxel : gathered) {
    light.received.push_back(std::min(1.0F, voxel.received));
    light.exposure.push_back(voxel.exposure);
  }
  return light;
}

}  // namespace renderfm
