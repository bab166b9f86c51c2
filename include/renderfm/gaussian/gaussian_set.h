// Activated 6D Gaussians: what is drawn, written to files and optimised.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "renderfm/view/camera.h"

namespace renderfm {

/// N Gaussians in patient LPS mm, float32, contiguous, all on one device.
struct GaussianSet {
  torch::Tensor position_mm;     ///< [N, 3] μ_p
  torch::Tensor sh;              ///< [N, 12] degree 1, coefficient-major, RGB inner
  torch::Tensor opacity;         ///< [N] in (0, 1)
  torch::Tensor direction_mean;  ///< [N, 3] μ_d
  torch::Tensor chol;            ///< [N, 21] L row by row (layout::chol_index), values, p rows in mm
  torch::Tensor label;           ///< [N] uint8, 0 where unknown; may be undefined

  std::map<std::uint8_t, std::string> label_names;
  std::optional<ViewSphere> view_sphere;  ///< of the scan it came from
  bool low_pass_compensation = true;      ///< the 0.3 px² low-pass scales opacity ("SplatRenderMode: mip")
  double lambda_opacity = 0.35;           ///< λ of exp(-λ |u|²)
  std::string transfer_function, model;   ///< names, for the file's comments

  std::int64_t size() const { return position_mm.defined() ? position_mm.size(0) : 0; }
  GaussianSet to(torch::Device device) const;
  /// Rows where `mask` [N] bool is true, or rows by int64 index, in order.
  GaussianSet select(const torch::Tensor& mask_or_index) const;
};

}  // namespace renderfm
