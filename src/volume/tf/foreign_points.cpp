// What the readers of other programs' files share.
#include <algorithm>

#include "renderfm/core/check.h"
#include "renderfm/core/log.h"
#include "volume/tf/readers.h"

namespace renderfm::tf {

template <class Point>
void sort_points(std::vector<Point>& points) {
  std::stable_sort(points.begin(), points.end(), [](const Point& a, const Point& b) { return a.x < b.x; });
  std::vector<Point> kept;
  for (const Point& point : points) {
    if (!kept.empty() && kept.back().x == point.x) {
      kept.back() = point;
    } else {
      kept.push_back(point);
    }
  }
  points = std::move(kept);
}
template void sort_points(std::vector<ScalarPoint>&);
template void sort_points(std::vector<ColorPoint>&);

void drop_constant_one(std::vector<ScalarPoint>& gradient_opacity) {
  const bool one = std::all_of(gradient_opacity.begin(), gradient_opacity.end(),
                               [](const ScalarPoint& point) { return point.y == 1; });
  if (one) gradient_opacity.clear();
}

void map_unit_range(TransferFunction& tf, const HuRange& range_hu, const std::string& where) {
  TransferLayer& layer = tf.layers.front();
  bool unit = true;
  for (const ScalarPoint& point : layer.opacity) unit = unit && point.x >= 0 && point.x <= 1;
  for (const ColorPoint& point : layer.color) unit = unit && point.x >= 0 && point.x <= 1;
  if (!unit) {
    if (range_hu)
      log_warning("{}: its points are in HU already, so the range given with it is not used", where);
    return;
  }
  if (!range_hu) {
    fail_input(
        "{}: its points run from 0 to 1, not over HU; say which HU they stand for with --tf-range LOW,HIGH",
        where);
  }
  const auto [low, high] = *range_hu;
  if (!(low < high))
    fail_input("the HU range {},{} of {} is empty; the first number must be the smaller", low, high, where);
  for (ScalarPoint& point : layer.opacity) point.x = low + point.x * (high - low);
  for (ColorPoint& point : layer.color) point.x = low + point.x * (high - low);
}

double in_range(double value, double low, double high, const char* what, const std::string& where) {
  if (!(value >= low && value <= high)) {
    fail_input("{}: the {} is {}; it must lie between {} and {}", where, what, value, low, high);
  }
  return value;
}

}  // namespace renderfm::tf
