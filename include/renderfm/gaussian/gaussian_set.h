// Activated 6D Gaussians: what is drawn, written to files and optimised.
#pragma once

#include <torch/types.h>

#include <cstdint>

#include "renderfm/gaussian/gaussian_rows.h"

namespace renderfm {

/// N Gaussians in patient LPS mm, float32, contiguous, all on one device.
struct GaussianSet : GaussianNotes {
  torch::Tensor position_mm;     ///< [N, 3] μ_p
  torch::Tensor sh;              ///< [N, 12] degree 1, coefficient-major, RGB inner
  torch::Tensor opacity;         ///< [N] in (0, 1)
  torch::Tensor direction_mean;  ///< [N, 3] μ_d
  torch::Tensor chol;            ///< [N, 21] L row by row (layout::chol_index), values, p rows in mm
  torch::Tensor label;           ///< [N] uint8, 0 where unknown; may be undefined

  std::int64_t size() const { return position_mm.defined() ? position_mm.size(0) : 0; }
  GaussianSet to(torch::Device device) const;
  /// Rows where `mask` [N] bool is true, or rows by int64 index, in order.
  GaussianSet select(const torch::Tensor& mask_or_index) const;
  /// These, then `others`, which have labels where these have. What is known of the set is what was known of
  /// these.
  GaussianSet joined(const GaussianSet& others) const;
};

}  // namespace renderfm
