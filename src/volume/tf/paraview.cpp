// ParaView's colour map presets (a list of maps), and MITK's variant, which calls its opacities
// OpacityPoints.
#include "renderfm/core/check.h"
#include "renderfm/core/log.h"
#include "volume/tf/color_space.h"
#include "volume/tf/readers.h"

namespace renderfm::tf {
namespace {

// Segments of curved colour spaces become short straight ones; 16 are within 0.01 of the curve.
constexpr int kPiecesPerSegment = 16;

std::vector<double> numbers_of(const ConfigNode& node, std::size_t stride, const char* form) {
  const std::vector<double> numbers = node.as_doubles();
  if (numbers.empty() || numbers.size() % stride != 0) {
    fail_input("{}: expected {} again and again, found {} numbers", node.where(), form, numbers.size());
  }
  return numbers;
}

std::vector<ScalarPoint> read_scalars(const ConfigNode& node) {
  const std::vector<double> numbers = numbers_of(node, 4, "x, opacity, midpoint, sharpness");
  std::vector<ScalarPoint> points;
  for (std::size_t i = 0; i < numbers.size(); i += 4) {
    points.push_back({numbers[i], in_range(numbers[i + 1], 0, 1, "opacity", node.where()),
                      in_range(numbers[i + 2], 0, 1, "midpoint", node.where()),
                      in_range(numbers[i + 3], 0, 1, "sharpness", node.where())});
  }
  sort_points(points);
  return points;
}

std::vector<ColorPoint> read_colors(const ConfigNode& node, ColorSpace space) {
  const std::vector<double> numbers = numbers_of(node, 4, "x, red, green, blue");
  std::vector<ColorPoint> nodes;
  for (std::size_t i = 0; i < numbers.size(); i += 4) {
    ColorPoint point{numbers[i], {}};
    for (int c = 0; c < 3; ++c) {
      point.srgb[c] = static_cast<float>(
          in_range(numbers[i + 1 + static_cast<std::size_t>(c)], 0, 1, "color", node.where()));
    }
    nodes.push_back(point);
  }
  sort_points(nodes);
  if (space == ColorSpace::kRgb) return nodes;

  std::vector<ColorPoint> points;
  for (std::size_t i = 0; i + 1 < nodes.size(); ++i) {
    for (int piece = 0; piece < kPiecesPerSegment; ++piece) {
      const double t = static_cast<double>(piece) / kPiecesPerSegment;
      points.push_back({nodes[i].x + t * (nodes[i + 1].x - nodes[i].x),
                        interpolate_color(space, nodes[i].srgb, nodes[i + 1].srgb, t)});
    }
  }
  points.push_back(nodes.back());
  return points;
}

ColorSpace color_space_of(const ConfigNode& map) {
  if (!map.has("ColorSpace")) return ColorSpace::kRgb;
  const ConfigNode node = map.at("ColorSpace");
  const std::string name = node.as_string();
  if (name == "RGB" || name == "Step") return ColorSpace::kRgb;
  if (name == "HSV") return ColorSpace::kHsv;
  if (name == "Lab" || name == "CIELAB") return ColorSpace::kLab;
  if (name == "Diverging") return ColorSpace::kDiverging;
  fail_input("{}: unknown color space '{}'; known are RGB, HSV, Lab and Diverging", node.where(), name);
}

}  // namespace

TransferFunction read_paraview(const ConfigNode& document) {
  const std::vector<ConfigNode> maps = document.is_list() ? document.items() : std::vector{document};
  if (maps.empty()) fail_input("{}: it holds no color map", document.where());
  const ConfigNode& map = maps.front();
  if (maps.size() > 1) {
    log_warning("{}: it holds {} color maps; the first, {}, is used", document.where(), maps.size(),
                map.string_or("Name", "unnamed"));
  }
  if (!map.has("RGBPoints")) {
    fail_input("{}: it has no RGBPoints, so it is neither a ParaView color map nor a Slicer volume property",
               map.where());
  }
  const char* opacity_key = map.has("OpacityPoints") ? "OpacityPoints" : "Points";
  if (!map.has(opacity_key)) {
    fail_input("{}: the color map has no opacities (Points); export it from ParaView with 'Save opacities'",
               map.where());
  }
  TransferFunction tf;
  tf.name = map.string_or("Name", "");
  TransferLayer layer;
  layer.organs = {"all"};
  layer.opacity = read_scalars(map.at(opacity_key));
  layer.color = read_colors(map.at("RGBPoints"), color_space_of(map));
  if (map.has("ColorSpace") && map.at("ColorSpace").as_string() == "Step") {
    // A segment has its second point's color from its beginning on.
    for (ColorPoint& point : layer.color) point.sharpness = 1, point.midpoint = 0;
  }
  tf.layers.push_back(std::move(layer));
  return tf;
}

}  // namespace renderfm::tf
