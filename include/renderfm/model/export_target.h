// Where Gaussians will be shown: caps on their number, colour and bytes, and which of them to keep.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "renderfm/gaussian/gaussian_file.h"
#include "renderfm/gaussian/gaussian_set.h"

namespace renderfm {

struct ExportTarget {
  std::string name;
  std::int64_t max_gaussians;
  int sh_degree;
  std::int64_t max_bytes;
};

/// desktop, web, mobile, quest.
const std::vector<ExportTarget>& export_targets();
/// Throws kBadInput for another name.
const ExportTarget& export_target(const std::string& name);

/// [N] float32: how much each Gaussian adds to pictures from all around, the sum of its blending weights over
/// the pixels of 14 views of 256 x 256 on the view sphere.
torch::Tensor contribution(const GaussianSet& gaussians);

/// What is left of `gaussians` for a file at `path`: those of the greatest contribution, as many as the
/// target and its bytes allow, in their order; the view sphere of the whole.
GaussianSet reduce_to_target(const GaussianSet& gaussians, const ExportTarget& target,
                             const std::filesystem::path& path, PlyFlavor flavor);

}  // namespace renderfm
