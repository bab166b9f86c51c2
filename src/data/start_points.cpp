#include "data/start_points.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>

#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"

namespace renderfm::data {
namespace {

constexpr std::size_t kRowBytes = 6 * sizeof(float) + 3;

std::string header_of(std::size_t count) {
  std::string text =
      fmt::format("ply\nformat binary_little_endian 1.0\ncomment frame LPS mm\nelement vertex {}\n", count);
  for (const char* name : {"x", "y", "z", "nx", "ny", "nz"}) text += fmt::format("property float {}\n", name);
  for (const char* name : {"red", "green", "blue"}) text += fmt::format("property uchar {}\n", name);
  return text + "end_header\n";
}

}  // namespace

void write_start_points(const std::vector<StartPoint>& points, const std::filesystem::path& path) {
  std::vector<char> bytes(points.size() * kRowBytes);
  char* row = bytes.data();
  for (const StartPoint& point : points) {
    const float values[6] = {point.position_mm.x, point.position_mm.y, point.position_mm.z,
                             point.normal.x,      point.normal.y,      point.normal.z};
    std::memcpy(row, values, sizeof(values));
    for (int channel = 0; channel < 3; ++channel) {
      const float level = std::clamp(point.srgb[channel], 0.0F, 1.0F) * 255 + 0.5F;
      row[sizeof(values) + channel] = static_cast<char>(static_cast<unsigned char>(level));
    }
    row += kRowBytes;
  }
  AtomicFile file(path);
  file.write(header_of(points.size()));
  file.write(bytes.data(), bytes.size());
  file.commit();
}

std::vector<StartPoint> read_start_points(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) fail_input("cannot read {}: no such file, or no permission", path.string());
  std::ostringstream buffer;
  buffer << stream.rdbuf();
  const std::string text = buffer.str();
  constexpr std::string_view kElement = "element vertex ";
  const auto at = text.find(kElement);
  const std::size_t count =
      at == std::string::npos ? 0 : std::strtoull(text.c_str() + at + kElement.size(), nullptr, 10);
  const std::string header = header_of(count);
  if (text.compare(0, header.size(), header) != 0) {
    fail_input("{} is not the point cloud that renderfm-prepare writes", path.string());
  }
  if (count > text.size() || text.size() != header.size() + count * kRowBytes) {
    fail_input("{} is truncated or has grown: {} points do not fill {} bytes", path.string(), count,
               text.size());
  }
  std::vector<StartPoint> points(count);
  const char* row = text.data() + header.size();
  for (StartPoint& point : points) {
    float values[6];
    std::memcpy(values, row, sizeof(values));
    for (const float value : values) {
      if (!std::isfinite(value)) fail_input("{} holds a value that is no number", path.string());
    }
    point.position_mm = {values[0], values[1], values[2]};
    point.normal = {values[3], values[4], values[5]};
    for (int channel = 0; channel < 3; ++channel) {
      point.srgb[channel] =
          static_cast<float>(static_cast<unsigned char>(row[sizeof(values) + channel])) / 255;
    }
    row += kRowBytes;
  }
  return points;
}

}  // namespace renderfm::data
