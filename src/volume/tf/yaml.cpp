// Our own transfer functions, read strictly and written back.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "renderfm/core/check.h"
#include "renderfm/volume/labels.h"
#include "volume/tf/readers.h"
#include "volume/total_segmentator_names.h"

namespace renderfm::tf {
namespace {

constexpr double kMaxAbsHu = 32768;  // room for the padding points of other programs, such as -3024

// Every organ that a label map may name, and the tissues of the estimator.
std::vector<std::string> organ_names() {
  std::vector<std::string> names = {"lung", "bone", "vessel", "soft_tissue",
                                    "fat",  "skin", "airway", "muscle"};
  for (const LabelVersion version : {LabelVersion::kV2, LabelVersion::kV1}) {
    for (const std::string_view name : total_segmentator_names(version)) names.emplace_back(name);
  }
  return names;
}

bool is_known(const std::string& term, const std::vector<std::string>& groups,
              const std::vector<std::string>& organs) {
  return std::find(groups.begin(), groups.end(), term) != groups.end() ||
         std::any_of(organs.begin(), organs.end(),
                     [&](const auto& organ) { return organ_matches(organ, term); });
}

std::vector<std::string> read_organs(const ConfigNode& node) {
  static const std::vector<std::string> groups = group_names(), names = organ_names();
  std::vector<std::string> organs = node.as_strings();
  if (organs.empty()) fail_input("{}: the layer names no organs; name some, or 'all'", node.where());
  for (const std::string& organ : organs) {
    if (is_known(organ, groups, names)) continue;
    std::vector<std::string> known = groups;
    known.insert(known.end(), names.begin(), names.end());
    const std::string near = nearest_word(organ, known);
    fail_input("{}: unknown organ or group '{}'{}", node.where(), organ,
               near.empty() ? "; it must be a TotalSegmentator name, a tissue, or a group such as skeleton"
                            : fmt::format("; did you mean '{}'?", near));
  }
  return organs;
}

/// x, value..., and optionally midpoint and sharpness.
template <class Point>
void read_shape(const std::vector<ConfigNode>& numbers, std::size_t first, Point& point) {
  if (numbers.size() == first) return;
  point.midpoint = in_range(numbers[first].as_double(), 0, 1, "midpoint", numbers[first].where());
  point.sharpness = in_range(numbers[first + 1].as_double(), 0, 1, "sharpness", numbers[first + 1].where());
}

template <class Point, class ReadOne>
std::vector<Point> read_points(const ConfigNode& node, double low, ReadOne read_one) {
  std::vector<Point> points;
  for (const ConfigNode& item : node.items()) {
    const std::vector<ConfigNode> numbers = item.items();
    if (numbers.empty()) fail_input("{}: the point is empty", item.where());
    Point point{};
    point.x = in_range(numbers[0].as_double(), low, kMaxAbsHu, "position", item.where());
    read_one(item, numbers, point);
    if (!points.empty() && point.x <= points.back().x) {
      fail_input("{}: the points are not sorted: {} follows {}; each must be greater than the one before",
                 item.where(), point.x, points.back().x);
    }
    points.push_back(point);
  }
  if (points.empty()) fail_input("{}: it has no points", node.where());
  return points;
}

std::vector<ScalarPoint> read_scalars(const ConfigNode& node, double low) {
  return read_points<ScalarPoint>(
      node, low, [](const ConfigNode& item, const std::vector<ConfigNode>& numbers, ScalarPoint& point) {
        point.midpoint = 0.5;
        if (numbers.size() != 2 && numbers.size() != 4) {
          fail_input("{}: expected [position, opacity] or [position, opacity, midpoint, sharpness]",
                     item.where());
        }
        point.y = in_range(numbers[1].as_double(), 0, 1, "opacity", item.where());
        read_shape(numbers, 2, point);
      });
}

bool parse_hex_color(const std::string& text, Vec3f& srgb) {
  if (text.size() != 7 || text[0] != '#') return false;
  for (int c = 0; c < 3; ++c) {
    int value = 0;
    const char* digits = text.data() + 1 + 2 * c;
    const auto [end, error] = std::from_chars(digits, digits + 2, value, 16);
    if (error != std::errc() || end != digits + 2) return false;
    srgb[c] = static_cast<float>(value) / 255.0F;
  }
  return true;
}

std::vector<ColorPoint> read_colors(const ConfigNode& node) {
  return read_points<ColorPoint>(
      node, -kMaxAbsHu,
      [](const ConfigNode& item, const std::vector<ConfigNode>& numbers, ColorPoint& point) {
        point.midpoint = 0.5;
        const std::size_t count = numbers.size();
        const bool hex = (count == 2 || count == 4) && parse_hex_color(numbers[1].as_string(), point.srgb);
        if (!hex && count != 4 && count != 6) {
          fail_input(
              "{}: expected [HU, \"#rrggbb\"] or [HU, red, green, blue] with red, green and blue from 0 to 1",
              item.where());
        }
        for (int c = 0; c < 3 && !hex; ++c) {
          point.srgb[c] = static_cast<float>(
              in_range(numbers[1 + c].as_double(), 0, 1, "red, green or blue", item.where()));
        }
        read_shape(numbers, hex ? 2 : 4, point);
      });
}

TransferLayer read_layer(const ConfigNode& node) {
  node.check_keys({"organs", "opacity", "color", "gradient_opacity"});
  TransferLayer layer;
  layer.organs = read_organs(node.at("organs"));
  layer.opacity = read_scalars(node.at("opacity"), -kMaxAbsHu);
  layer.color = read_colors(node.at("color"));
  if (node.has("gradient_opacity")) layer.gradient_opacity = read_scalars(node.at("gradient_opacity"), 0);
  return layer;
}

double positive(const ConfigNode& document, const char* key, double fallback) {
  const double value = document.double_or(key, fallback);
  if (!(value > 0)) fail_input("{}: it is {}; it must be greater than 0", document.at(key).where(), value);
  return value;
}

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

template <class Point>
std::string shape_suffix(const Point& point) {
  if (point.midpoint == 0.5 && point.sharpness == 0) return "";
  return fmt::format(", {}, {}", point.midpoint, point.sharpness);
}

std::string scalars_to_yaml(const std::vector<ScalarPoint>& points) {
  std::string text;
  for (const ScalarPoint& p : points) {
    text += fmt::format("{}[{}, {}{}]", text.empty() ? "" : ", ", p.x, p.y, shape_suffix(p));
  }
  return "[" + text + "]";
}

std::string colors_to_yaml(const std::vector<ColorPoint>& points) {
  std::string text;
  for (const ColorPoint& p : points) {
    text += fmt::format("{}[{}, {}, {}, {}{}]", text.empty() ? "" : ", ", p.x, p.srgb.x, p.srgb.y, p.srgb.z,
                        shape_suffix(p));
  }
  return "[" + text + "]";
}

}  // namespace

TransferFunction read_yaml(const ConfigNode& document) {
  document.check_keys({"name", "description", "unit_distance_mm", "density_scale", "phase_g", "layers"});
  TransferFunction tf;
  tf.name = document.string_or("name", "");
  tf.description = document.string_or("description", "");
  tf.unit_distance_mm = positive(document, "unit_distance_mm", 1);
  tf.density_scale = positive(document, "density_scale", 1);
  if (document.has("phase_g")) {
    const ConfigNode phase = document.at("phase_g");
    tf.phase_g = in_range(phase.as_double(), -0.99, 0.99, "mean cosine of scattering", phase.where());
  }
  const ConfigNode layers = document.at("layers");
  for (const ConfigNode& layer : layers.items()) tf.layers.push_back(read_layer(layer));
  if (tf.layers.empty()) fail_input("{}: the transfer function has no layers", layers.where());
  return tf;
}

}  // namespace renderfm::tf

namespace renderfm {

std::string to_yaml(const TransferFunction& tf) {
  std::string text = fmt::format(
      "name: {}\ndescription: {}\nunit_distance_mm: {}\ndensity_scale: {}\nphase_g: {}\nlayers:\n",
      tf::quoted(tf.name), tf::quoted(tf.description), tf.unit_distance_mm, tf.density_scale, tf.phase_g);
  for (const TransferLayer& layer : tf.layers) {
    std::string organs;
    for (const std::string& organ : layer.organs) organs += (organs.empty() ? "" : ", ") + tf::quoted(organ);
    text += fmt::format("  - organs: [{}]\n    opacity: {}\n    color: {}\n", organs,
                        tf::scalars_to_yaml(layer.opacity), tf::colors_to_yaml(layer.color));
    if (!layer.gradient_opacity.empty()) {
      text += fmt::format("    gradient_opacity: {}\n", tf::scalars_to_yaml(layer.gradient_opacity));
    }
  }
  return text;
}

}  // namespace renderfm
