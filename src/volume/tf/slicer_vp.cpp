// 3D Slicer's .vp: nine lines, the last three of which are curves of the form "N v v v ...", N counting
// numbers. VTK measures gradients per voxel of the scan on display; they are taken as per mm here.
#include <locale>
#include <sstream>

#include "renderfm/core/check.h"
#include "volume/tf/readers.h"

namespace renderfm::tf {
namespace {

constexpr std::size_t kOpacityLine = 7, kGradientLine = 8, kColorLine = 9;  // counted from 1
constexpr std::size_t kInterpolationToPower = 6;  // single numbers before the curves

/// The numbers of a curve line, in whole points of `stride` numbers.
std::vector<double> read_curve_line(const std::string& line, std::size_t stride, const std::string& where) {
  std::istringstream stream(line);
  stream.imbue(std::locale::classic());
  std::size_t count = 0;
  std::vector<double> numbers;
  stream >> count;
  for (double value = 0; stream >> value;) numbers.push_back(value);
  if (!stream.eof() || count == 0 || count % stride != 0 || numbers.size() != count) {
    fail_input(
        "{}: expected a count that is a multiple of {} and then as many numbers, found the count {} and {} "
        "numbers",
        where, stride, count, numbers.size());
  }
  return numbers;
}

std::vector<ScalarPoint> read_scalars(const std::string& line, const std::string& where) {
  const std::vector<double> numbers = read_curve_line(line, 2, where);
  std::vector<ScalarPoint> points;
  for (std::size_t i = 0; i < numbers.size(); i += 2) {
    points.push_back({numbers[i], in_range(numbers[i + 1], 0, 1, "opacity", where)});
  }
  sort_points(points);
  return points;
}

}  // namespace

TransferFunction read_slicer_vp(const std::string& text, const std::string& name) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  while (!lines.empty() && lines.back().find_first_not_of(" \t\r") == std::string::npos) lines.pop_back();
  if (lines.size() != kColorLine) {
    fail_input("{}: a Slicer .vp file has {} lines, this one has {}", name, kColorLine, lines.size());
  }
  for (std::size_t i = 0; i < kInterpolationToPower; ++i) {
    std::istringstream number(lines[i]);
    double value = 0;
    if (!(number >> value)) fail_input("{} line {}: expected a number, found '{}'", name, i + 1, lines[i]);
  }
  const auto where = [&](std::size_t line) { return fmt::format("{} line {}", name, line); };
  TransferLayer layer;
  layer.organs = {"all"};
  layer.opacity = read_scalars(lines[kOpacityLine - 1], where(kOpacityLine));
  layer.gradient_opacity = read_scalars(lines[kGradientLine - 1], where(kGradientLine));
  drop_constant_one(layer.gradient_opacity);
  const std::vector<double> colors = read_curve_line(lines[kColorLine - 1], 4, where(kColorLine));
  for (std::size_t i = 0; i < colors.size(); i += 4) {
    ColorPoint point{colors[i], {}};
    for (std::size_t c = 0; c < 3; ++c) {
      point.srgb[static_cast<int>(c)] =
          static_cast<float>(in_range(colors[i + 1 + c], 0, 1, "color", where(kColorLine)));
    }
    layer.color.push_back(point);
  }
  sort_points(layer.color);
  TransferFunction tf;
  tf.layers.push_back(std::move(layer));
  return tf;
}

}  // namespace renderfm::tf
