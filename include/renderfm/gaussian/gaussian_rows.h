// Gaussians as plain columns of numbers, and what is known of them beside: what files hold. Without LibTorch,
// so that every reader of files runs under the sanitizers and fuzzers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "renderfm/view/camera.h"

namespace renderfm {

/// What a set knows beside its numbers.
struct GaussianNotes {
  std::map<std::uint8_t, std::string> label_names;
  std::optional<ViewSphere> view_sphere;  ///< of the scan it came from
  bool low_pass_compensation = true;      ///< the 0.3 px² low-pass scales opacity ("SplatRenderMode: mip")
  double lambda_opacity = 0.35;           ///< λ of exp(-λ |u|²)
  std::string transfer_function, model;   ///< names, for the file's comments
};

/// N Gaussians in patient LPS mm; columns as in GaussianSet.
struct GaussianRows {
  std::vector<float> position_mm;     ///< [N, 3]
  std::vector<float> sh;              ///< [N, 12] degree 1, coefficient-major, RGB inner
  std::vector<float> opacity;         ///< [N] in (0, 1)
  std::vector<float> direction_mean;  ///< [N, 3]
  std::vector<float> chol;            ///< [N, 21] layout::chol_index, values, p rows in mm
  std::vector<std::uint8_t> label;    ///< [N], 0 where unknown
  GaussianNotes notes;

  std::int64_t size() const { return static_cast<std::int64_t>(opacity.size()); }
};

/// The same columns, owned by somebody else, for writing.
struct GaussianColumns {
  const float *position_mm, *sh, *opacity, *direction_mean, *chol;
  const std::uint8_t* label;  ///< may be null
  std::int64_t count;
  const GaussianNotes* notes;
};

inline GaussianColumns columns_of(const GaussianRows& rows) {
  return {rows.position_mm.data(), rows.sh.data(),    rows.opacity.data(), rows.direction_mean.data(),
          rows.chol.data(),        rows.label.data(), rows.size(),         &rows.notes};
}

}  // namespace renderfm
