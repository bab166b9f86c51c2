// Gaussians for programs that show them: from a file, or from a CT by way of a prediction.
#pragma once

#include <filesystem>
#include <vector>

#include "common/scan_options.h"

namespace renderfm::tools {

/// One set per transfer function of `options`; a file of Gaussians has the one it was made with. Organs that
/// were not asked for are left out.
std::vector<GaussianSet> load_gaussians(const std::filesystem::path& in, const ScanOptions& options);

}  // namespace renderfm::tools
