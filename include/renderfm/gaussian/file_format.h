// The formats of Gaussian files, and what one is found to hold. Without LibTorch.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace renderfm {

enum class GaussianFormat { kPly, kGlb, kSpz, kSplat };

/// By the suffix, in any case; none for another.
std::optional<GaussianFormat> gaussian_format(const std::filesystem::path& path);
/// ".ply .glb .spz .splat"
std::string gaussian_suffixes();

enum class PlyFlavor {
  kRenderfm,  ///< 42 floats, with the sixth dimension
  kInria,  ///< its first part alone, SH padded to degree 3: exactly the 62 floats that strict importers want
};

struct FileFacts {
  std::string format;  ///< "ply", "glb", "spz", "splat"
  std::string layout;  ///< "renderfm 1", "3dgs", "6dgs", "dgs", "KHR_gaussian_splatting", "spz 3", ...
  std::string frame;   ///< "LPS mm", "y up, metres", ...; a guess where the file does not say
  std::int64_t count = 0;
  std::int64_t unusable = 0;  ///< of them with a NaN, an infinite value or no extent
  int sh_degree = 0;          ///< as stored; above 1 is not read
  bool six_dimensional = false;
  std::vector<std::string> remarks;  ///< one sentence each: what was dropped, what strict importers refuse
};

}  // namespace renderfm
