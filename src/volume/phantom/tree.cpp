// Space-filling vessel trees, after the idea of Wang et al. 1992 for airways: each branch runs towards the
// middle of the tissue that it supplies, which a plane then divides between two daughters.
#include <algorithm>
#include <cmath>

#include "volume/phantom/parts.h"

namespace renderfm::phantom {
namespace {

struct Grower {
  const TreeOptions& options;
  Pcg32& rng;
  float radius_of_one;  // of a twig that supplies one target
  std::vector<Primitive> pieces;

  void grow(Vec3f* begin, Vec3f* end, Vec3f from, Vec3f direction, float from_radius) {
    const auto count = end - begin;
    if (count == 0) return;
    Vec3f middle{0, 0, 0};
    for (const Vec3f* p = begin; p != end; ++p) middle = middle + *p;
    middle = middle * (1 / static_cast<float>(count));
    const float radius = radius_of_one * std::cbrt(static_cast<float>(count));
    if (radius < options.least_radius_mm) return;

    const Vec3f way = middle - from;
    const float length = norm(way);
    if (length < 1e-3f) return;
    const float share = count == 1 ? 0.9f : rng.uniform<float>(0.36f, 0.52f);
    // Leaves along the parent, then bends towards the middle of its territory.
    const Vec3f bend =
        from + direction * (0.22f * share * length) + way * (0.35f * share) + jitter(0.06f * length);
    const Vec3f to = from + way * share;
    pieces.push_back(tube_segment({from, from_radius}, {bend, mix(from_radius, radius, 0.7f)}));
    pieces.push_back(tube_segment({bend, mix(from_radius, radius, 0.7f)}, {to, radius}));
    if (count == 1) return;

    // The dividing plane holds the branch and the direction in which the group is narrowest across it.
    const Vec3f along = normalised(to - bend);
    Vec3f spread{0, 0, 0};
    Vec3f axis = cross(
        along, normalised(Vec3f{rng.normal<float>(), rng.normal<float>(), rng.normal<float>() + 1e-3f}));
    for (int pass = 0; pass < 4; ++pass) {  // power iteration on the covariance across the branch
      spread = {0, 0, 0};
      for (const Vec3f* p = begin; p != end; ++p) {
        const Vec3f d = *p - middle, across = d - along * dot(d, along);
        spread = spread + across * dot(across, axis);
      }
      const float n = norm(spread);
      if (n < 1e-6f) break;
      axis = spread * (1 / n);
    }
    Vec3f* half = std::partition(begin, end, [&](const Vec3f& p) { return dot(p - middle, axis) < 0; });
    if (half == begin || half == end) half = begin + count / 2;
    grow(begin, half, to, along, radius);
    grow(half, end, to, along, radius);
  }

  Vec3f jitter(float size) {
    return Vec3f{rng.normal<float>(), rng.normal<float>(), rng.normal<float>()} * size;
  }
};

}  // namespace

std::vector<Primitive> grow_tree(std::vector<Vec3f> targets, const TreeOptions& options, Pcg32& rng) {
  if (targets.empty()) return {};
  Grower grower{options, rng, options.root_radius_mm / std::cbrt(static_cast<float>(targets.size())), {}};
  grower.grow(targets.data(), targets.data() + targets.size(), options.root, options.root_direction,
              options.root_radius_mm);
  return std::move(grower.pieces);
}

std::vector<Vec3f> points_inside(const Distance& distance, const Box& box, float depth_mm, int count,
                                 Pcg32& rng) {
  std::vector<Vec3f> points;
  points.reserve(static_cast<std::size_t>(count));
  // A region that fills less than a thousandth of its box would be a mistake in the anatomy; give up then.
  for (int tries = 0; tries < 1000 * count && static_cast<int>(points.size()) < count; ++tries) {
    const Vec3f p{rng.uniform<float>(box.low.x, box.high.x), rng.uniform<float>(box.low.y, box.high.y),
                  rng.uniform<float>(box.low.z, box.high.z)};
    if (distance(p) < -depth_mm) points.push_back(p);
  }
  return points;
}

}  // namespace renderfm::phantom
