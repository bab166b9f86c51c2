// Gaussian files of every format, chosen by their suffix: .ply .glb .spz .splat.
#pragma once

#include <filesystem>

#include "renderfm/gaussian/file_format.h"
#include "renderfm/gaussian/gaussian_set.h"

namespace renderfm {

struct GaussianFileOptions {
  PlyFlavor ply_flavor = PlyFlavor::kRenderfm;
  int sh_degree = 1;  ///< 0 leaves the direction-dependent part of the colour out
};

/// Throws kBadInput with one sentence; warns of what the file holds and we drop.
GaussianSet read_gaussians(const std::filesystem::path& path);
/// Atomic. Formats without the sixth dimension get the slice at u = 0.
void write_gaussians(const GaussianSet& gaussians, const std::filesystem::path& path,
                     const GaussianFileOptions& options = {});
/// The most that one Gaussian takes in a file; .spz stays below it by what its compression gains.
std::int64_t bytes_per_gaussian(GaussianFormat format, const GaussianFileOptions& options);
/// The format of a file's suffix; throws kBadInput naming the suffixes that there are.
GaussianFormat required_gaussian_format(const std::filesystem::path& path);

}  // namespace renderfm
