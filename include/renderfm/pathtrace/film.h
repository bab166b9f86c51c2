// What the samples of a picture have summed up to: kept in double, so that any split of a sample range, any
// thread count and any kill and resume ends in the same bits.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "renderfm/pathtrace/pathtrace_params.h"

namespace renderfm::pathtrace {

class Film {
 public:
  Film() = default;
  /// Black, without samples. Throws kBadInput for a size below 1 or above 65536 pixels.
  Film(int width, int height);

  int width() const { return width_; }
  int height() const { return height_; }
  std::int64_t samples() const { return samples_; }            ///< of every pixel
  std::int64_t capped_paths() const { return capped_paths_; }  ///< that met the limit of scatters

  /// [height * width], row by row.
  const std::vector<PixelSums<double>>& pixels() const { return pixels_; }

  /// What the samples belong to: camera, medium, lights, seed and all else that changes them; 0 without
  /// samples.
  std::uint64_t identity() const { return identity_; }
  /// Throws kBadInput where the film already holds samples of something else or of another size.
  void claim(std::uint64_t identity, int width, int height);

  /// For whoever makes samples: sums to add to, and what was added once a pass is whole.
  std::vector<PixelSums<double>>& sums() { return pixels_; }
  void finish_pass(std::int64_t samples_more, std::int64_t capped_more);

  /// Atomic, with a checksum.
  void save(const std::filesystem::path& path) const;
  /// Throws kBadInput for a file that is not a film, is damaged, or was written by another version.
  static Film load(const std::filesystem::path& path);

 private:
  int width_ = 0, height_ = 0;
  std::int64_t samples_ = 0, capped_paths_ = 0;
  std::uint64_t identity_ = 0;
  std::vector<PixelSums<double>> pixels_;
};

/// Means of a film. Planes are row by row, channel after channel.
struct PathTraceImages {
  int width = 0, height = 0;
  std::vector<float> rgb_linear;  ///< [3, H, W], premultiplied: over a background B it is rgb + (1 - alpha) B
  std::vector<float> variance;    ///< [3, H, W], of the mean rgb_linear; 0 below two samples
  std::vector<float> alpha;       ///< [H, W], share of paths that met something
  std::vector<float> depth_mm;    ///< [H, W], along the camera's axis, mean over the paths that met something
  std::vector<float> albedo;      ///< [3, H, W], of the first collision, zero where missed
  std::vector<float> normal;      ///< [3, H, W], the same; outward, LPS, times the surface probability
};

/// Throws kRuntime for a film without samples.
PathTraceImages resolve(const Film& film);

/// Display-referred sRGB in [0, 1], [3, H, W]: exposed, clamped, then encoded. The mean is encoded, never
/// samples.
std::vector<float> encode_srgb(const std::vector<float>& rgb_linear, float exposure = 1);

/// Root mean square of the noise in encode_srgb(resolve(film)), over all pixels and channels, from its two
/// halves: sqrt(mean((A - B)^2) / 4). Needs an even number of samples, at least 2.
double noise_rmse(const Film& film, float exposure = 1);

}  // namespace renderfm::pathtrace
