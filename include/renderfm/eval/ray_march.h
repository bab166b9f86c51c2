// Emission-absorption ray marching with gradient shading and a headlight: what VTK and 3D Slicer draw, as a
// baseline. It reads the same Medium as the path tracer; light does not scatter and casts no shadow.
#pragma once

#include <torch/types.h>

#include <array>
#include <cstdint>
#include <vector>

#include "renderfm/medium/medium.h"
#include "renderfm/view/camera.h"

namespace renderfm {

/// Blinn-Phong as in 3D Slicer's CT presets; lit from both sides, as VTK does by default.
struct RayMarchOptions {
  double step_voxels = 0.5;  ///< of the finest spacing
  double ambient = 0.1, diffuse = 0.9, specular = 0.2, specular_power = 10;
};

/// Draws one medium from many cameras.
class RayMarcher {
 public:
  /// `medium` must outlive the marcher.
  explicit RayMarcher(const Medium& medium, const RayMarchOptions& options = {});

  /// Display-referred sRGB [3, H, W] on black. The same for any thread count.
  torch::Tensor draw(const Camera& camera) const;

  /// What each pixel shows most of: the value, of `value_of_label` (under kMaxValues), whose labels weigh
  /// most along the ray; 0 where the ray meets nothing. [H, W] uint8. The same for any thread count.
  torch::Tensor dominant(const Camera& camera, const std::array<std::uint8_t, 256>& value_of_label) const;
  static constexpr int kMaxValues = 16;

 private:
  const Medium& medium_;
  RayMarchOptions options_;
  std::array<std::int64_t, 3> blocks_xyz_{};
  std::vector<std::uint8_t> block_visible_;  ///< some point in the block of kBlock^3 voxels has an extinction

  struct Sample;
  Sample sample(Vec3d index_xyz) const;
  Vec3f hu_gradient(Vec3d index_xyz) const;
  Vec3f lit(const Sample& sample, Vec3d index_xyz, Vec3f to_light) const;
  std::uint8_t label_at(Vec3d index_xyz) const;
  template <class Visit>
  void march(Vec3d origin_mm, Vec3d direction, const Visit& visit) const;
  template <class Paint>
  void for_pixels(const Camera& camera, const Paint& paint) const;
  bool visible_block(Vec3d index_xyz) const;
};

}  // namespace renderfm
