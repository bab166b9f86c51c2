// Small labelled scans.
#pragma once

#include <array>
#include <functional>

#include "renderfm/medium/medium.h"

namespace renderfm::pathtrace::test {

inline std::array<bool, 256> all_organs() {
  std::array<bool, 256> all{};
  all.fill(true);
  return all;
}

/// A scan of `label_of(index_xyz)` and `hu_of(index_xyz)`; label 1 is "liver", 2 "spleen".
inline Medium labelled(std::array<std::int64_t, 3> shape_zyx, double spacing_mm, const TransferFunction& tf,
                       const std::function<std::uint8_t(Vec3d)>& label_of,
                       const std::function<double(Vec3d)>& hu_of, bool smooth_labels = true) {
  CtVolume ct;
  ct.geometry.shape_zyx = shape_zyx;
  ct.geometry.spacing_zyx_mm = {spacing_mm, spacing_mm, spacing_mm};
  LabelVolume labels;
  labels.geometry = ct.geometry;
  labels.names = {{1, "liver"}, {2, "spleen"}};
  for (std::int64_t k = 0; k < shape_zyx[0]; ++k) {
    for (std::int64_t j = 0; j < shape_zyx[1]; ++j) {
      for (std::int64_t i = 0; i < shape_zyx[2]; ++i) {
        const Vec3d at{static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)};
        ct.voxels.push_back(static_cast<std::int16_t>(hu_of(at)));
        labels.voxels.push_back(label_of(at));
      }
    }
  }
  MediumOptions options;
  options.smooth_labels = smooth_labels;
  return Medium(ct, labels, tf, all_organs(), options);
}

/// Liver of one opacity and colour at every HU.
inline TransferFunction plain_liver(double opacity, Vec3f srgb) {
  TransferFunction tf;
  tf.layers = {{{"liver"}, {{0, opacity}}, {{0, srgb}}, {}}};
  return tf;
}

/// A ball of liver in the middle of a cube of `size` voxels.
inline Medium ball(std::int64_t size, double radius_voxels, double spacing_mm, const TransferFunction& tf,
                   bool smooth_labels = true) {
  const double middle = 0.5 * static_cast<double>(size - 1);
  return labelled(
      {size, size, size}, spacing_mm, tf,
      [=](Vec3d p) {
        return std::uint8_t{norm(p - Vec3d{middle, middle, middle}) <= radius_voxels ? std::uint8_t{1}
                                                                                     : std::uint8_t{0}};
      },
      [](Vec3d) { return 50.0; }, smooth_labels);
}

}  // namespace renderfm::pathtrace::test
