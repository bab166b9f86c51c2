// Path-traced pictures of a scan made on the spot, to refine against where nobody has any.
#pragma once

#include <cstdint>
#include <filesystem>

#include "renderfm/data/view_renderer.h"
#include "renderfm/train/posed_views.h"

namespace renderfm {

struct TracedViewsOptions {
  int train = 20;
  int held_out = 0;  ///< 0: a quarter as many as `train`, at least 3
  int width = 256, height = 256;
  int train_samples = 64;       ///< per pixel, denoised where the renderer can
  int held_out_samples = 1024;  ///< never denoised
  std::uint64_t seed = 1;       ///< of the directions and of the noise
};

/// Traces the views into `folder`, as 8-bit PNGs with transforms_train.json and transforms_test.json, and
/// reads them from there. A view that is there is not traced again, so a run that was cut short goes on, and
/// ends in the same views. Throws kBadInput where the folder holds views of another scan, look or settings.
ViewSplit trace_views(const Medium& medium, const ViewSphere& sphere, const data::Renderer& renderer,
                      const TracedViewsOptions& options, const std::filesystem::path& folder);

}  // namespace renderfm
