// Signed distances for the phantom: segments, ellipsoids, functions, and shapes that are unions of them.
// Lengths are canonical millimetres: an average patient before size, breath and posture are applied.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "renderfm/math/vec.h"

namespace renderfm::phantom {

struct Box {
  Vec3f low{1e9f, 1e9f, 1e9f}, high{-1e9f, -1e9f, -1e9f};
  void add(Vec3f p);
  void add(const Box& b);
  Box grown(float margin_mm) const;
};

/// Negative inside. Its value matters within `reach` of the surface; the slope there is about 1.
using Distance = std::function<float(Vec3f)>;

/// One piece of a shape. `blend_mm` rounds its union with the pieces before it; 0 is a plain union.
struct Primitive {
  Box box;  ///< holds everything that is inside
  Distance distance;
  float blend_mm = 0;
  float radius_mm = 0;  ///< of a tube; one thinner than a voxel fills only a part of it
};

inline float smooth_min(float a, float b, float blend_mm) {
  const float least = a < b ? a : b, gap = a < b ? b - a : a - b;
  if (gap >= blend_mm) return least;
  const float h = (blend_mm - gap) / blend_mm;
  return least - h * h * blend_mm * 0.25f;
}
inline float smooth_max(float a, float b, float blend_mm) { return -smooth_min(-a, -b, blend_mm); }
/// 0 up to `low`, 1 from `high`, smooth between; low > high falls instead.
inline float smooth_step(float low, float high, float x) {
  const float t = std::clamp((x - low) / (high - low), 0.0f, 1.0f);
  return t * t * (3 - 2 * t);
}
inline float mix(float a, float b, float t) { return a + (b - a) * t; }
inline Vec3f mix(Vec3f a, Vec3f b, float t) { return a + (b - a) * t; }

/// Where a tube runs and how thick it is there.
struct Knot {
  Vec3f point;
  float radius;
};
/// A flat bar: `half_thickness` along `normal`, `half_width` across.
struct BarKnot {
  Vec3f point, normal;
  float half_thickness, half_width;
};

/// Round bar from a to b, the radius linear between.
Primitive tube_segment(Knot a, Knot b);
/// Oval bar from a to b.
Primitive bar_segment(const BarKnot& a, const BarKnot& b);
/// `axes` columns are the directions of the half-lengths.
Primitive ellipsoid(Vec3f centre, Vec3f half_mm, const Mat3f& axes = Mat3f::identity());
/// A cylinder of oval section around axes.column(2), its edges rounded; `waist_mm` narrows its middle.
Primitive oval_drum(Vec3f centre, Vec3f half_mm, float rounding_mm, float waist_mm, const Mat3f& axes);

/// Points of a Catmull-Rom curve through `knots`, about `step_mm` apart.
std::vector<Knot> smooth_path(const std::vector<Knot>& knots, float step_mm = 4);
std::vector<BarKnot> smooth_path(const std::vector<BarKnot>& knots, float step_mm = 4);
/// Smooth curve through `knots` as a chain of segments; the first one blends with what stands before it.
void add_tube(std::vector<Primitive>& pieces, const std::vector<Knot>& knots, float blend_mm = 0,
              float step_mm = 4);
void add_bar(std::vector<Primitive>& pieces, const std::vector<BarKnot>& knots, float blend_mm = 0,
             float step_mm = 4);

/// Right-handed axes with the given third direction, the first one nearest to `first`.
Mat3f axes_along(Vec3f third, Vec3f first);

/// The mirror image across the midline, for the right side of symmetric parts modelled on the left.
inline Vec3f mirrored(Vec3f p) { return {-p.x, p.y, p.z}; }

/// A smooth curve through (x, y) pairs with rising x, constant beyond its ends; a table, since it is read
/// often.
class Profile {
 public:
  Profile() = default;
  explicit Profile(const std::vector<std::array<float, 2>>& points);
  float operator()(float x) const;

 private:
  float begin_ = 0;
  std::vector<float> table_{0};  // every millimetre
};

}  // namespace renderfm::phantom
