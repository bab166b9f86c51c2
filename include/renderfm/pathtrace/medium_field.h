// What the tracer asks of a labelled CT, answered from ordinary memory: 4-byte voxel records, filtered here.
// CUDA code may use it too; a field of textures answers the same questions.
#pragma once

#include <cstdint>

#include "renderfm/medium/cell_classes.h"
#include "renderfm/pathtrace/majorant_grid.h"

namespace renderfm::pathtrace {

struct VoxelRecord {
  std::int16_t hu;
  std::uint8_t content;  ///< its class; of a split voxel kFirstSplit and its rank within its block
  std::uint8_t opacity;  ///< blurred opacity of 1 mm, 255 standing for 1
};
static_assert(sizeof(VoxelRecord) == 4);

// The cells of a voxel whose cells are not all of one class are kept apart: such split voxels are few. They
// are counted by blocks of successive voxels.
inline constexpr int kFirstSplit = 32, kBlockShift = 4;

inline constexpr int kTablePad = 2;   ///< voxels repeated around the records, so that no fetch is clamped
inline constexpr int kHuBins = 4096;  ///< one per HU from kTableMinHu
inline constexpr int kTableMinHu = -1024;

/// Shapes without the border: [depth, height, width]. Voxel i covers [i, i + 1] in voxel coordinates.
struct MediumPointers {
  const VoxelRecord* voxels;            ///< [depth + 2 pad, height + 2 pad, width + 2 pad]
  const std::uint32_t* split_before;    ///< [blocks of voxels] split voxels before a block
  const CellClasses* cells;             ///< [split_voxels, class_scale, class_scale, class_scale]
  const std::uint8_t* gradient_factor;  ///< like voxels, 255 standing for 1; null where there is none
  const float* sigma_t_per_mm;          ///< [classes, kHuBins]
  const float* opacity;                 ///< [classes, kHuBins] of opacity_length_mm, for gradient_factor
  const Vec3f* albedo;                  ///< [classes, kHuBins] linear RGB
  int width, height, depth;
  std::int64_t split_voxels;
  int class_scale;  ///< cells a voxel and axis, 1 or 2
  int classes;
  float opacity_length_mm;
  Vec3f voxels_per_mm;
  float phase_g;
};

RFM_HD int cells_per_voxel(const MediumPointers& medium) { return medium.class_scale == 1 ? 1 : 8; }

/// What fills cell `n` (x fastest) of the voxel at an offset that counts the border.
RFM_HD CellClasses cell_classes(const MediumPointers& medium, std::int64_t offset, int n) {
  const std::uint8_t content = medium.voxels[offset].content;
  if (content < kFirstSplit) return CellClasses(content);
  const std::int64_t split =
      static_cast<std::int64_t>(medium.split_before[offset >> kBlockShift]) + (content - kFirstSplit);
  return medium.cells[split * cells_per_voxel(medium) + n];
}

/// Whether a corner at 1 of an axis is picked, with the probability of its trilinear weight `fraction`,
/// rounded to 1/512.
RFM_HD int pick_upper(std::uint32_t nine_bits, float fraction) {
  return static_cast<int>(nine_bits & 511U) < static_cast<int>(fraction * 512.0F + 0.5F) ? 1 : 0;
}

/// Where in 32 random bits the picks of a corner along y and z lie, and that of the class within its cell.
inline constexpr int kPickY = 9, kPickZ = 18, kPickClass = 27;
static_assert(CellClasses::kPicks == 1 << (32 - kPickClass));

/// Extinction of a table entry dimmed by the gradient opacity: it multiplies the opacity, not the extinction.
RFM_HD float dimmed_extinction(float opacity, std::uint8_t factor, float opacity_length_mm) {
  const float passed = 1.0F - opacity * (static_cast<float>(factor) * (1.0F / 255.0F));
  return negative_log(passed > 5.9604645e-8F ? passed : 5.9604645e-8F) / opacity_length_mm;
}

class SoftwareMediumField {
 public:
  /// Which table entry a collision met.
  struct Material {
    int entry = 0;
  };

  RFM_HD explicit SoftwareMediumField(const MediumPointers& medium)
      : m_(medium),
        row_(medium.width + 2 * kTablePad),
        slice_(static_cast<std::int64_t>(row_) * (medium.height + 2 * kTablePad)) {}

  RFM_HD Vec3f size_voxels() const {
    return {static_cast<float>(m_.width), static_cast<float>(m_.height), static_cast<float>(m_.depth)};
  }
  RFM_HD Vec3f voxels_per_mm() const { return m_.voxels_per_mm; }
  RFM_HD float phase_g() const { return m_.phase_g; }

  /// sigma_t per mm at a point, given 32 random bits that pick the cell and the class that count. Its mean
  /// over the bits is the sum over the classes with their shares and trilinear weights.
  RFM_HD float extinction(Vec3f point_voxels, std::uint32_t bits, Material& material) const {
    const int scale = m_.class_scale;
    const Cell f(point_voxels * static_cast<float>(scale));
    const int cell_x = f.x + pick_upper(bits, f.fx), cell_y = f.y + pick_upper(bits >> kPickY, f.fy),
              cell_z = f.z + pick_upper(bits >> kPickZ, f.fz);
    const int x = voxel_of(cell_x), y = voxel_of(cell_y), z = voxel_of(cell_z);
    const std::int64_t corner = x + y * row_ + z * slice_;
    const int cell = scale == 1 ? 0 : (cell_z & 1) << 2 | (cell_y & 1) << 1 | (cell_x & 1);
    const int material_class = cell_classes(m_, corner, cell).picked(bits >> kPickClass);
    if (material_class == 0) return 0;
    const Cell c(point_voxels);
    const float hu = trilinear_hu(offset(c), c);
    material.entry = material_class * kHuBins + static_cast<int>(hu + (0.5F - kTableMinHu));
    if (m_.gradient_factor == nullptr) return m_.sigma_t_per_mm[material.entry];
    const std::uint8_t factor = m_.gradient_factor[corner];
    return factor == 255 ? m_.sigma_t_per_mm[material.entry]
                         : dimmed_extinction(m_.opacity[material.entry], factor, m_.opacity_length_mm);
  }

  RFM_HD Vec3f albedo(const Material& material) const { return m_.albedo[material.entry]; }

  /// Central differences over one voxel to either side of the blurred opacity, per mm; points inwards.
  RFM_HD Vec3f opacity_gradient_per_mm(Vec3f point_voxels) const {
    const Cell c(point_voxels);
    const std::int64_t at = offset(c);
    const Vec3f g{difference(at, 1, row_, slice_, c.fx, c.fy, c.fz),
                  difference(at, row_, 1, slice_, c.fy, c.fx, c.fz),
                  difference(at, slice_, 1, row_, c.fz, c.fx, c.fy)};
    return g * m_.voxels_per_mm * (0.5F / 255.0F);
  }

 private:
  /// The eight voxels around a point, counted with the border, and the point's place between them.
  struct Cell {
    int x, y, z;
    float fx, fy, fz;
    RFM_HD explicit Cell(Vec3f point_voxels) {
      const Vec3f p{point_voxels.x + (kTablePad - 0.5F), point_voxels.y + (kTablePad - 0.5F),
                    point_voxels.z + (kTablePad - 0.5F)};
      x = static_cast<int>(p.x);
      y = static_cast<int>(p.y);
      z = static_cast<int>(p.z);
      fx = p.x - static_cast<float>(x);
      fy = p.y - static_cast<float>(y);
      fz = p.z - static_cast<float>(z);
    }
  };

  /// The voxel that a cell lies in; both are counted with a border of kTablePad, an even number.
  RFM_HD int voxel_of(int cell) const { return m_.class_scale == 1 ? cell : (cell + kTablePad) / 2; }
  RFM_HD std::int64_t offset(const Cell& c) const { return c.z * slice_ + (c.y * row_ + c.x); }

  RFM_HD float hu_between(std::int64_t at, float f) const {
    const float a = m_.voxels[at].hu, b = m_.voxels[at + 1].hu;
    return a + (b - a) * f;
  }
  RFM_HD float trilinear_hu(std::int64_t at, const Cell& c) const {
    const float y0 = hu_between(at, c.fx), y1 = hu_between(at + row_, c.fx);
    const float z0 = y0 + (y1 - y0) * c.fy;
    const float y2 = hu_between(at + slice_, c.fx), y3 = hu_between(at + slice_ + row_, c.fx);
    const float z1 = y2 + (y3 - y2) * c.fy;
    return z0 + (z1 - z0) * c.fz;
  }
  /// Opacity in a plane across an axis, bilinear.
  RFM_HD float plane(std::int64_t at, std::int64_t b, std::int64_t c, float fb, float fc) const {
    const float v00 = m_.voxels[at].opacity, v10 = m_.voxels[at + b].opacity;
    const float v01 = m_.voxels[at + c].opacity, v11 = m_.voxels[at + b + c].opacity;
    const float low = v00 + (v10 - v00) * fb, high = v01 + (v11 - v01) * fb;
    return low + (high - low) * fc;
  }
  /// Opacity (of 255) one voxel further along an axis minus one voxel back.
  RFM_HD float difference(std::int64_t at, std::int64_t a, std::int64_t b, std::int64_t c, float fa, float fb,
                          float fc) const {
    const float near = plane(at + a, b, c, fb, fc) - plane(at - a, b, c, fb, fc);
    const float far = plane(at + 2 * a, b, c, fb, fc) - plane(at, b, c, fb, fc);
    return near + (far - near) * fa;
  }

  const MediumPointers& m_;
  std::int64_t row_, slice_;
};

}  // namespace renderfm::pathtrace
