#include "renderfm/volume/transfer_function.h"

#include <algorithm>
#include <cmath>

#include "renderfm/core/check.h"

namespace renderfm {
namespace {

// Outside these, VTK draws a segment as a plain step or a plain line. The step is that of its colour function
// alone: its piecewise function (9.7) keeps the Hermite curve up to sharpness 1, and so do opacities here.
constexpr double kStepSharpness = 0.99;
constexpr double kLineSharpness = 0.01;
// A midpoint on a node would divide by zero.
constexpr double kMidpointMargin = 1e-5;

// How one segment runs from its first value (parameter 0) to its second (parameter 1): the definition of
// VTK's piecewise and colour transfer functions. The midpoint is where the curve is half way; the sharpness
// blends from a line (0) over a Hermite curve of falling end slope to a step (1).
class Segment {
 public:
  Segment(double parameter, double midpoint, double sharpness, bool may_step) {
    midpoint = std::clamp(midpoint, kMidpointMargin, 1 - kMidpointMargin);
    double s = parameter < midpoint ? 0.5 * parameter / midpoint
                                    : 0.5 + 0.5 * (parameter - midpoint) / (1 - midpoint);
    if (may_step && sharpness > kStepSharpness) {
      second_ = s < 0.5 ? 0 : 1;
    } else if (sharpness < kLineSharpness) {
      second_ = s;
    } else {
      const double power = 1 + 10 * sharpness;
      if (s < 0.5) {
        s = 0.5 * std::pow(2 * s, power);
      } else if (s > 0.5) {
        s = 1 - 0.5 * std::pow(2 * (1 - s), power);
      }
      // Cubic Hermite basis, both end slopes (1 - sharpness) times the chord.
      const double s2 = s * s, s3 = s2 * s;
      second_ = 3 * s2 - 2 * s3 + (1 - sharpness) * (2 * s3 - 3 * s2 + s);
      second_ = std::clamp(second_, 0.0, 1.0);
    }
  }

  double blend(double first, double second) const { return first + (second - first) * second_; }

 private:
  double second_;  // weight of the segment's second value
};

// Calls found(point) at the ends and found(first, second, segment) between.
template <class Point, class At, class Between>
auto evaluate(const std::vector<Point>& points, double x, bool may_step, At at, Between between) {
  RFM_CHECK(!points.empty(), "a transfer function curve has no points");
  if (x <= points.front().x) return at(points.front());
  if (x >= points.back().x) return at(points.back());
  const auto second = std::upper_bound(points.begin(), points.end(), x,
                                       [](double value, const Point& point) { return value < point.x; });
  const auto first = std::prev(second);
  return between(
      *first, *second,
      Segment((x - first->x) / (second->x - first->x), first->midpoint, first->sharpness, may_step));
}

}  // namespace

double evaluate_curve(const std::vector<ScalarPoint>& points, double x) {
  return evaluate(
      points, x, false, [](const ScalarPoint& p) { return p.y; },
      [](const ScalarPoint& a, const ScalarPoint& b, const Segment& segment) {
        return segment.blend(a.y, b.y);
      });
}

Vec3f evaluate_curve(const std::vector<ColorPoint>& points, double x) {
  return evaluate(
      points, x, true, [](const ColorPoint& p) { return p.srgb; },
      [](const ColorPoint& a, const ColorPoint& b, const Segment& segment) {
        Vec3f srgb{};
        for (int c = 0; c < 3; ++c) {
          srgb[c] = static_cast<float>(
              segment.blend(static_cast<double>(a.srgb[c]), static_cast<double>(b.srgb[c])));
        }
        return srgb;
      });
}

double extinction_per_mm(double opacity, const TransferFunction& tf) {
  return -std::log1p(-std::min(opacity, 0.999)) * tf.density_scale / tf.unit_distance_mm;
}

}  // namespace renderfm
