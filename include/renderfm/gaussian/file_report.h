// What a Gaussian file of any format holds, and what is wrong with it: renderfm-render --check.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "renderfm/gaussian/file_format.h"
#include "renderfm/gaussian/gaussian_rows.h"

namespace renderfm {

struct FileReport {
  struct Range {
    double least = 0, middle = 0, greatest = 0;  ///< middle: the median
  };

  std::string path;
  std::int64_t bytes = 0;
  FileFacts facts;
  GaussianNotes notes;
  Vec3d low_mm{}, high_mm{};  ///< of the centres, LPS
  Range extent_mm;            ///< standard deviations along the principal axes
  Range opacity;
  std::array<std::int64_t, 10> opacity_histogram{};  ///< tenths of [0, 1]
  Range direction_extent;                       ///< diagonal of A; 10⁴ where there is no sixth dimension
  std::int64_t invisible = 0;                   ///< opacity under 1/255: never drawn
  std::int64_t clipped_colours = 0;             ///< SH degree 0 outside [0, 1]: 8-bit formats clip them
  std::map<std::uint8_t, std::int64_t> labels;  ///< Gaussians of each label
  std::vector<std::string> problems;            ///< one sentence each; none in a sound file
};

/// Throws kBadInput where the file cannot be read at all.
FileReport inspect_gaussian_file(const std::filesystem::path& path);
std::string to_text(const FileReport& report);  ///< lines for a person
std::string to_json(const FileReport& report);

}  // namespace renderfm
