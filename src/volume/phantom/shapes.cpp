#include "volume/phantom/shapes.h"

#include <cmath>

namespace renderfm::phantom {

void Box::add(Vec3f p) {
  for (int a = 0; a < 3; ++a) {
    low[a] = std::min(low[a], p[a]);
    high[a] = std::max(high[a], p[a]);
  }
}
void Box::add(const Box& b) {
  add(b.low);
  add(b.high);
}
Box Box::grown(float margin_mm) const {
  const Vec3f m{margin_mm, margin_mm, margin_mm};
  return {low - m, high + m};
}

namespace {

Box box_around(Vec3f p, float radius) {
  Box box;
  box.add(p);
  return box.grown(radius);
}

// First-order distance to an ellipse or ellipsoid from |p / r| and |p / r^2|; exact for equal half-lengths.
float oval_distance(float scaled, float scaled_twice, float smallest_half) {
  if (scaled_twice < 1e-6f) return -smallest_half;
  return scaled * (scaled - 1) / scaled_twice;
}

}  // namespace

Primitive tube_segment(Knot a, Knot b) {
  Box box = box_around(a.point, a.radius);
  box.add(box_around(b.point, b.radius));
  const Vec3f along = b.point - a.point;
  const float inverse = 1 / std::max(dot(along, along), 1e-6f);
  return {box,
          [=](Vec3f p) {
            const Vec3f q = p - a.point;
            const float t = std::clamp(dot(q, along) * inverse, 0.0f, 1.0f);
            return norm(q - along * t) - mix(a.radius, b.radius, t);
          },
          0, 0.5f * (a.radius + b.radius)};
}

Primitive bar_segment(const BarKnot& a, const BarKnot& b) {
  Box box = box_around(a.point, std::max(a.half_width, a.half_thickness));
  box.add(box_around(b.point, std::max(b.half_width, b.half_thickness)));
  const Vec3f along = b.point - a.point;
  const float inverse = 1 / std::max(dot(along, along), 1e-6f);
  return {box, [=](Vec3f p) {
            const Vec3f q = p - a.point;
            const float t = std::clamp(dot(q, along) * inverse, 0.0f, 1.0f);
            const Vec3f off = q - along * t;
            const Vec3f normal = normalised(mix(a.normal, b.normal, t));
            const float across = dot(off, normal);
            const float flat2 = std::max(dot(off, off) - across * across, 0.0f);
            const float thick = mix(a.half_thickness, b.half_thickness, t);
            const float wide = mix(a.half_width, b.half_width, t);
            const float u = across / thick, v2 = flat2 / (wide * wide);
            const float scaled = std::sqrt(u * u + v2);
            const float scaled_twice = std::sqrt(u * u / (thick * thick) + v2 / (wide * wide));
            return oval_distance(scaled, scaled_twice, std::min(thick, wide));
          }};
}

Primitive ellipsoid(Vec3f centre, Vec3f half_mm, const Mat3f& axes) {
  Box box;
  box.add(centre);
  for (int row = 0; row < 3; ++row) {
    float reach2 = 0;
    for (int a = 0; a < 3; ++a) reach2 += axes[row][a] * axes[row][a] * half_mm[a] * half_mm[a];
    box.low[row] -= std::sqrt(reach2);
    box.high[row] += std::sqrt(reach2);
  }
  const Mat3f local_from_world = transposed(axes);
  const float smallest = std::min({half_mm.x, half_mm.y, half_mm.z});
  return {box, [=](Vec3f p) {
            const Vec3f q = local_from_world * (p - centre);
            const Vec3f s{q.x / half_mm.x, q.y / half_mm.y, q.z / half_mm.z};
            const Vec3f s2{s.x / half_mm.x, s.y / half_mm.y, s.z / half_mm.z};
            return oval_distance(norm(s), norm(s2), smallest);
          }};
}

Primitive oval_drum(Vec3f centre, Vec3f half_mm, float rounding_mm, float waist_mm, const Mat3f& axes) {
  const Mat3f local_from_world = transposed(axes);
  const Box box = box_around(centre, norm(half_mm));
  return {box, [=](Vec3f p) {
            const Vec3f q = local_from_world * (p - centre);
            const float level = std::clamp(q.z / half_mm.z, -1.0f, 1.0f);
            const float narrowing = waist_mm * (1 - level * level);
            const float rx = half_mm.x - narrowing, ry = half_mm.y - narrowing;
            const float u = q.x / rx, v = q.y / ry;
            const float side = oval_distance(
                std::sqrt(u * u + v * v), std::sqrt(u * u / (rx * rx) + v * v / (ry * ry)), std::min(rx, ry));
            const float a = side + rounding_mm, b = std::abs(q.z) - half_mm.z + rounding_mm;
            const float outside = std::hypot(std::max(a, 0.0f), std::max(b, 0.0f));
            return std::min(std::max(a, b), 0.0f) + outside - rounding_mm;
          }};
}

namespace {

template <class T>
T catmull_rom(const T& a, const T& b, const T& c, const T& d, float t) {
  return (b * 2.0f + (c - a) * t + (a * 2.0f - b * 5.0f + c * 4.0f - d) * (t * t) +
          (b * 3.0f - c * 3.0f + d - a) * (t * t * t)) *
         0.5f;
}

// Calls visit(i, t, sample) with sample(get) interpolating any member along the curve.
template <class K, class Visit>
void walk(const std::vector<K>& knots, float step_mm, const Visit& visit) {
  const int n = static_cast<int>(knots.size());
  for (int i = 0; i + 1 < n; ++i) {
    const K &a = knots[std::max(i - 1, 0)], &b = knots[i], &c = knots[i + 1],
            &d = knots[std::min(i + 2, n - 1)];
    const int pieces = std::max(1, static_cast<int>(std::ceil(norm(c.point - b.point) / step_mm)));
    for (int s = (i == 0 ? 0 : 1); s <= pieces; ++s) {
      const float t = static_cast<float>(s) / static_cast<float>(pieces);
      visit(a, b, c, d, t);
    }
  }
}

}  // namespace

std::vector<Knot> smooth_path(const std::vector<Knot>& knots, float step_mm) {
  std::vector<Knot> path;
  walk(knots, step_mm, [&](const Knot& a, const Knot& b, const Knot& c, const Knot& d, float t) {
    path.push_back(
        {catmull_rom(a.point, b.point, c.point, d.point, t), mix(b.radius, c.radius, smooth_step(0, 1, t))});
  });
  return path;
}

std::vector<BarKnot> smooth_path(const std::vector<BarKnot>& knots, float step_mm) {
  std::vector<BarKnot> path;
  walk(knots, step_mm, [&](const BarKnot& a, const BarKnot& b, const BarKnot& c, const BarKnot& d, float t) {
    const float s = smooth_step(0, 1, t);
    path.push_back({catmull_rom(a.point, b.point, c.point, d.point, t),
                    normalised(catmull_rom(a.normal, b.normal, c.normal, d.normal, t)),
                    mix(b.half_thickness, c.half_thickness, s), mix(b.half_width, c.half_width, s)});
  });
  return path;
}

namespace {
template <class K, class Make>
void add_chain(std::vector<Primitive>& pieces, const std::vector<K>& path, float blend_mm, const Make& make) {
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    pieces.push_back(make(path[i], path[i + 1]));
    // Chains overlap only at their joints; rounding those would draw a string of beads.
    pieces.back().blend_mm = i == 0 ? blend_mm : 0;
  }
}
}  // namespace

void add_tube(std::vector<Primitive>& pieces, const std::vector<Knot>& knots, float blend_mm, float step_mm) {
  add_chain(pieces, smooth_path(knots, step_mm), blend_mm, tube_segment);
}

void add_bar(std::vector<Primitive>& pieces, const std::vector<BarKnot>& knots, float blend_mm,
             float step_mm) {
  add_chain(pieces, smooth_path(knots, step_mm), blend_mm, bar_segment);
}

Mat3f axes_along(Vec3f third, Vec3f first) {
  const Vec3f z = normalised(third);
  const Vec3f x = normalised(first - z * dot(first, z));
  const Vec3f y = cross(z, x);
  return {{{x.x, y.x, z.x}, {x.y, y.y, z.y}, {x.z, y.z, z.z}}};
}

Profile::Profile(const std::vector<std::array<float, 2>>& points) {
  begin_ = points.front()[0];
  const int count = static_cast<int>(std::ceil(points.back()[0] - begin_)) + 1;
  table_.resize(static_cast<std::size_t>(count));
  const int n = static_cast<int>(points.size());
  // Cubic Hermite with limited slopes: no overshoot between points (Fritsch and Carlson 1980, harmonic form).
  std::vector<float> slope(points.size(), 0.0f);
  for (int i = 1; i + 1 < n; ++i) {
    const float left = (points[i][1] - points[i - 1][1]) / (points[i][0] - points[i - 1][0]);
    const float right = (points[i + 1][1] - points[i][1]) / (points[i + 1][0] - points[i][0]);
    if (left * right > 0) slope[i] = 2 * left * right / (left + right);
  }
  int i = 0;
  for (int k = 0; k < count; ++k) {
    const float x = std::min(begin_ + static_cast<float>(k), points.back()[0]);
    while (i + 2 < n && x > points[i + 1][0]) ++i;
    const float h = points[i + 1][0] - points[i][0], t = (x - points[i][0]) / h;
    const float t2 = t * t, t3 = t2 * t;
    table_[k] = points[i][1] * (2 * t3 - 3 * t2 + 1) + points[i + 1][1] * (3 * t2 - 2 * t3) +
                h * (slope[i] * (t3 - 2 * t2 + t) + slope[i + 1] * (t3 - t2));
  }
}

float Profile::operator()(float x) const {
  const float at = std::clamp(x - begin_, 0.0f, static_cast<float>(table_.size() - 1));
  const std::size_t k = std::min(static_cast<std::size_t>(at), table_.size() - 1);
  const std::size_t next = std::min(k + 1, table_.size() - 1);
  return mix(table_[k], table_[next], at - static_cast<float>(k));
}

}  // namespace renderfm::phantom
