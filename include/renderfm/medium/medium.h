// The one description of what a scan x transfer function x organ choice looks like: smoothed class map,
// tables and extinction. Foreground mask, priming, network channels, path tracer and ray marcher all read it
// (soft labels: trilinear weights of the class map; the opacity gradient is that of Kroes et al. 2012).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "renderfm/medium/cell_classes.h"
#include "renderfm/volume/transfer_function.h"
#include "renderfm/volume/volume.h"

namespace renderfm {

/// Extinction and colour over HU for voxels that look the same.
struct MediumClass {
  static constexpr int kBins = kMaxHu - kMinHu + 1;  ///< one per HU
  std::vector<float> sigma_t_per_mm;                 ///< [kBins], capped at 6 / min spacing
  std::vector<Vec3f> srgb;                           ///< [kBins]

  /// Of an HU from kMinHu to kMaxHu.
  static std::size_t bin_of(std::int16_t hu) { return static_cast<std::size_t>(hu - kMinHu); }
};

struct MediumOptions {
  bool smooth_labels = true;  ///< false draws label voxels as boxes (class_scale() is 1), for comparison
};

class Medium {
 public:
  /// `ct` and `labels` on the same axis-aligned LPS grid. `organs[l]` keeps label l.
  Medium(const CtVolume& ct, const LabelVolume& labels, const TransferFunction& tf,
         const std::array<bool, 256>& organs, const MediumOptions& options = {});

  const Geometry& geometry() const { return geometry_; }
  /// [D, H, W] from kMinHu to kMaxHu; in voxels above 2 mm without the partial volume of label borders.
  const std::vector<std::int16_t>& hu() const { return hu_; }
  /// Classes of every cell of the class grid, which is `class_scale()` times finer than the voxel grid per
  /// axis (2 where the spacing exceeds 1.2 mm); 0 is invisible.
  const std::vector<CellClasses>& class_map() const { return class_map_; }
  int class_scale() const { return class_scale_; }
  /// Class 0 first; at most 32.
  const std::vector<MediumClass>& classes() const { return classes_; }

  /// The transfer function's gradient opacity at every voxel's HU gradient, 255 standing for 1, [D, H, W];
  /// empty where it has none. It multiplies the opacity of the tables: with_factor() turns a table's
  /// extinction into that of the voxel, which is never greater. sigma_t_per_mm() and all below hold it
  /// already.
  const std::vector<std::uint8_t>& gradient_factor() const { return gradient_factor_; }
  float with_factor(float sigma_t_per_mm, std::uint8_t factor) const;
  /// The length over which a table's extinction reaches the transfer function's opacity.
  double opacity_length_mm() const { return opacity_length_mm_; }
  /// Henyey-Greenstein mean cosine of the transfer function.
  double phase_g() const { return phase_g_; }

  /// At voxel centres, [D, H, W]: extinction with the class weights of the smoothed labels.
  const std::vector<float>& sigma_t_per_mm() const { return sigma_t_; }
  /// At voxel centres, opacity-weighted over the classes; black where nothing is visible.
  Vec3f srgb(std::int64_t voxel) const;
  /// Gradient of the blurred opacity 1 - exp(-sigma_t * 1 mm), per mm, at a voxel centre: points inwards.
  Vec3f opacity_gradient_per_mm(std::int64_t voxel) const;
  /// The blurred opacity itself, in [0, 1], [D, H, W].
  const std::vector<float>& blurred_opacity() const { return blurred_opacity_; }
  /// The visible label at or nearest around the voxel, 0 if none.
  std::uint8_t label(std::int64_t voxel) const;

  /// A voxel is foreground where sigma_t * max spacing >= kForegroundDepth.
  bool foreground(std::int64_t voxel) const;
  static constexpr float kForegroundDepth = 0.006F;

 private:
  Geometry geometry_;
  std::vector<std::int16_t> hu_;
  std::vector<std::uint8_t> labels_;
  std::array<std::uint8_t, 256> class_of_label_{};
  std::vector<CellClasses> class_map_;
  int class_scale_ = 1;
  std::vector<MediumClass> classes_;
  std::vector<std::uint8_t> gradient_factor_;
  double opacity_length_mm_ = 1, phase_g_ = 0;
  std::vector<float> sigma_t_;
  std::vector<float> blurred_opacity_;

  void set_gradient_factor(const TransferFunction& tf, const std::vector<int>& layer_of_class);
  void set_extinction();
  std::int64_t first_cell(std::int64_t voxel) const;
  template <class Visit>
  void visit_classes(std::int64_t voxel, Visit visit) const;
};

}  // namespace renderfm
