// 3D Slicer's .vp.json (volume property schema 1): points may leave out midpoint and sharpness. VTK
// measures gradients per voxel of the scan on display; they are taken as per mm here. effectiveRange is a
// hint for Slicer's sliders, and lighting is the renderers' own affair here.
#include <algorithm>

#include "renderfm/core/check.h"
#include "renderfm/core/log.h"
#include "volume/tf/readers.h"

namespace renderfm::tf {
namespace {

double x_of(const ConfigNode& point) {
  const ConfigNode x = point.at("x");
  return in_range(x.as_double(), -1e6, 1e6, "position", x.where());
}

template <class Point>
void read_shape(const ConfigNode& node, Point& point) {
  point.midpoint = in_range(node.double_or("midpoint", 0.5), 0, 1, "midpoint", node.where());
  point.sharpness = in_range(node.double_or("sharpness", 0), 0, 1, "sharpness", node.where());
}

std::vector<ConfigNode> points_of(const ConfigNode& component, const char* key) {
  const std::vector<ConfigNode> points = component.at(key).at("points").items();
  if (points.empty()) fail_input("{}: it has no points", component.at(key).where());
  return points;
}

std::vector<ScalarPoint> read_scalars(const ConfigNode& component, const char* key) {
  std::vector<ScalarPoint> points;
  for (const ConfigNode& node : points_of(component, key)) {
    ScalarPoint point{x_of(node), in_range(node.at("y").as_double(), 0, 1, "opacity", node.where())};
    read_shape(node, point);
    points.push_back(point);
  }
  sort_points(points);
  return points;
}

std::vector<ColorPoint> read_colors(const ConfigNode& component) {
  std::vector<ColorPoint> points;
  const bool gray = !component.has("rgbTransferFunction");
  for (const ConfigNode& node : points_of(component, gray ? "grayTransferFunction" : "rgbTransferFunction")) {
    ColorPoint point{x_of(node), {}};
    const std::vector<double> color =
        gray ? std::vector<double>(3, node.at("y").as_double()) : node.at("color").as_doubles();
    if (color.size() != 3) fail_input("{}: a color has 3 numbers, not {}", node.where(), color.size());
    for (int c = 0; c < 3; ++c) {
      point.srgb[c] =
          static_cast<float>(in_range(color[static_cast<std::size_t>(c)], 0, 1, "color", node.where()));
    }
    read_shape(node, point);
    points.push_back(point);
  }
  sort_points(points);
  return points;
}

}  // namespace

TransferFunction read_slicer_json(const ConfigNode& document) {
  const ConfigNode list = document.at("volumeProperties");
  const std::vector<ConfigNode> properties = list.items();
  if (properties.empty()) fail_input("{}: it holds no volume property", list.where());
  if (properties.size() > 1) {
    log_warning("{}: it holds {} volume properties; the first is used", list.where(), properties.size());
  }
  const ConfigNode& property = properties.front();
  const std::vector<ConfigNode> components = property.at("components").items();
  if (components.empty()) fail_input("{}: it has no components", property.at("components").where());
  if (components.size() > 1) {
    log_warning("{}: it has {} components; a CT has one, so the first is used", property.where(),
                components.size());
  }
  const ConfigNode& component = components.front();

  TransferFunction tf;
  const double weight =
      in_range(component.double_or("componentWeight", 1), 0, 1, "weight", component.where());
  tf.unit_distance_mm = component.double_or("scalarOpacityUnitDistance", 1);
  in_range(tf.unit_distance_mm, 1e-6, 1e6, "unit distance", component.where());
  tf.phase_g = in_range(property.double_or("scatteringAnisotropy", 0), -1, 1, "anisotropy", property.where());
  tf.phase_g = std::clamp(tf.phase_g, -0.99, 0.99);  // at the ends nothing but straight lines would remain
  TransferLayer layer;
  layer.organs = {"all"};
  layer.opacity = read_scalars(component, "scalarOpacity");
  for (ScalarPoint& point : layer.opacity) point.y *= weight;
  layer.color = read_colors(component);
  if (component.has("gradientOpacity") && !component.bool_or("disableGradientOpacity", false)) {
    layer.gradient_opacity = read_scalars(component, "gradientOpacity");
    drop_constant_one(layer.gradient_opacity);
  }
  tf.layers.push_back(std::move(layer));
  return tf;
}

}  // namespace renderfm::tf
