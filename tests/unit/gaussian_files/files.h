// What the tests of Gaussian files share: a folder, rows of every kind of number, drawing them, and reading
// bytes.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "gaussian/files/codecs.h"
#include "renderfm/core/check.h"
#include "support/plain_gaussians.h"
#include "unit/raster_cpu/drawing.h"

namespace renderfm::test {

namespace fs = std::filesystem;

class GaussianFiles : public ::testing::Test {
 protected:
  GaussianFiles() {
    std::string pattern = (fs::temp_directory_path() / "renderfm_files_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~GaussianFiles() override { fs::remove_all(folder_); }
  fs::path file(const std::string& name) const { return folder_ / name; }
  fs::path folder_;
};

inline std::string bytes_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

inline DecodedFile decode_bytes(GaussianFormat format, const std::string& bytes,
                                Unusable unusable = Unusable::kRefuse) {
  MemoryInput input({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, "the file");
  return decode(format, input, unusable);
}

/// Expects one sentence of kBadInput that holds `reason`.
inline void expect_refused(GaussianFormat format, const std::string& bytes, const std::string& reason) {
  try {
    decode_bytes(format, bytes);
    ADD_FAILURE() << "accepted; expected: " << reason;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput) << error.what();
    EXPECT_NE(std::string(error.what()).find(reason), std::string::npos) << error.what();
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
  }
}

inline GaussianRows rows_of(const PlainGaussians<float>& set) {
  GaussianRows rows;
  rows.position_mm = set.position_mm;
  rows.sh = set.sh;
  rows.opacity = set.opacity;
  rows.direction_mean = set.direction_mean;
  rows.chol = set.chol;
  for (std::int64_t n = 0; n < set.count(); ++n) rows.label.push_back(static_cast<std::uint8_t>(n % 118));
  rows.notes.label_names = {{5, "liver"}, {52, "aorta"}};
  rows.notes.view_sphere = ViewSphere{{1, -2, 3.5}, 250};
  rows.notes.transfer_function = "bone";
  rows.notes.model = "primed";
  return rows;
}

/// Every Gaussian without its sixth dimension: what a format that has none is given.
inline GaussianRows baked(GaussianRows rows) {
  rows.direction_mean.assign(rows.direction_mean.size(), 0);
  for (std::size_t n = 0; n < rows.opacity.size(); ++n) {
    float* const l = &rows.chol[n * layout::kCholCount];
    for (int row = 0; row < 3; ++row) {
      for (int column = 0; column < 3; ++column) {
        if (column <= row) l[layout::a_index(row, column)] = row == column ? 1e4F : 0.0F;
        l[layout::b_index(row, column)] = 0;
      }
    }
  }
  return rows;
}

/// RGB of three cameras around the origin, one after the other.
inline std::vector<float> picture(const GaussianRows& rows, int side = 64) {
  std::vector<Camera> cameras;
  for (const double turn : {0.3, 2.4, 4.4})
    cameras.push_back(camera_around(turn, 60, side, side, 1.6 * side));
  raster::cpu::test::Drawing drawing(cameras);
  drawing.draw({rows.position_mm.data(), rows.sh.data(), rows.opacity.data(), rows.direction_mean.data(),
                rows.chol.data(), rows.size(), static_cast<float>(rows.notes.lambda_opacity),
                rows.notes.low_pass_compensation},
               false);
  std::vector<float> rgb;
  for (const auto& planes : drawing.planes) {
    rgb.insert(rgb.end(), planes.begin(), planes.begin() + static_cast<std::ptrdiff_t>(3 * drawing.pixels()));
  }
  return rgb;
}

/// dB of two pictures in [0, 1].
inline double psnr(const std::vector<float>& a, const std::vector<float>& b) {
  double squares = 0;
  for (std::size_t n = 0; n < a.size(); ++n) {
    const double difference = static_cast<double>(a[n]) - static_cast<double>(b[n]);
    squares += difference * difference;
  }
  return squares == 0 ? 999 : -10 * std::log10(squares / static_cast<double>(a.size()));
}

}  // namespace renderfm::test
