// Paints placed shapes into slabs of slices.
#pragma once

#include <cstdint>
#include <vector>

#include "renderfm/volume/geometry.h"
#include "volume/phantom/scene.h"
#include "volume/phantom/warp.h"

namespace renderfm::phantom {

/// A shape with the world boxes of its pieces, each grown by what blending and partial volume need.
struct PlacedShape {
  const Shape* shape = nullptr;
  Box box;
  std::vector<Box> pieces, carved;
  std::vector<float> thinning_mm;  ///< added to the distance of each piece
};
/// `scene` must outlive the result.
std::vector<PlacedShape> place(const Scene& scene, const Warp& warp, float ramp_mm);

struct VoxelRange {
  std::int64_t low[3], high[3];  // x y z, the upper end excluded
  bool empty() const { return low[0] >= high[0] || low[1] >= high[1] || low[2] >= high[2]; }
};

/// One slab of slices: its own voxels, so that slabs can be painted at the same time.
class Slab {
 public:
  /// Slices [first, last) of the grid, filled with air.
  Slab(const Geometry& grid, const Warp& warp, std::int64_t first, std::int64_t last, float ramp_mm);

  void paint(const PlacedShape& placed, const NoiseTile& texture);

  std::vector<float> hu;
  std::vector<std::uint8_t> label;
  std::vector<Vec3f> place;  ///< canonical mm

 private:
  void coat(std::size_t n, float distance, std::uint8_t paint_label, const Material& material,
            const NoiseTile& texture);
  VoxelRange range(const Box& world) const;
  template <class Body>
  void for_rows(const VoxelRange& r, const Body& body) const;

  const Geometry& grid_;
  std::int64_t first_, last_;
  float ramp_mm_;
  std::int64_t width_, height_;
  std::vector<float> distance_;  // of the shape being painted
};

}  // namespace renderfm::phantom
