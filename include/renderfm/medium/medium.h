// The one description of what a scan x transfer function x organ choice looks like: smoothed class map, tables
// and extinction. Foreground mask, priming, network channels, path tracer and ray marcher all read it
// (PATHTRACER notes: soft labels; Kroes et al. 2012 for the surface probability's opacity gradient).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "renderfm/volume/transfer_function.h"
#include "renderfm/volume/volume.h"

namespace renderfm {

/// Extinction and colour over HU for voxels that look the same.
struct MediumClass {
  static constexpr int kBins = kMaxHu - kMinHu + 1;  ///< one per HU
  std::vector<float> sigma_t_per_mm;                 ///< [kBins], capped at 6 / min spacing
  std::vector<Vec3f> srgb;                           ///< [kBins]
};

struct MediumOptions {
  bool smooth_labels = true;  ///< false draws label voxels as boxes, for comparison
};

class Medium {
 public:
  /// `ct` and `labels` on the same axis-aligned LPS grid. `organs[l]` keeps label l.
  Medium(const CtVolume& ct, const LabelVolume& labels, const TransferFunction& tf,
         const std::array<bool, 256>& organs, const MediumOptions& options = {});

  const Geometry& geometry() const { return geometry_; }
  const std::vector<std::int16_t>& hu() const { return hu_; }
  /// Class of every cell of the class grid, which is `class_scale()` times finer than the voxel grid per axis
  /// (2 where the spacing exceeds 2 mm); 0 is invisible.
  const std::vector<std::uint8_t>& class_map() const { return class_map_; }
  int class_scale() const { return class_scale_; }
  const std::vector<MediumClass>& classes() const { return classes_; }

  /// At voxel centres, [D, H, W]: extinction with the class weights of the smoothed labels.
  const std::vector<float>& sigma_t_per_mm() const { return sigma_t_; }
  /// At voxel centres, opacity-weighted over the classes; black where nothing is visible.
  Vec3f srgb(std::int64_t voxel) const;
  /// Gradient of the blurred opacity 1 - exp(-sigma_t * 1 mm), per mm, at a voxel centre: points inwards.
  Vec3f opacity_gradient_per_mm(std::int64_t voxel) const;
  /// The visible label at or nearest around the voxel, 0 if none.
  std::uint8_t label(std::int64_t voxel) const;

  /// A voxel is foreground where sigma_t * max spacing >= kForegroundDepth.
  bool foreground(std::int64_t voxel) const;
  static constexpr float kForegroundDepth = 0.006F;

 private:
  Geometry geometry_;
  std::vector<std::int16_t> hu_;
  std::vector<std::uint8_t> labels_;
  std::vector<std::uint8_t> class_map_;
  int class_scale_ = 1;
  std::vector<MediumClass> classes_;
  std::vector<float> sigma_t_;
  std::vector<float> blurred_opacity_;
};

}  // namespace renderfm
