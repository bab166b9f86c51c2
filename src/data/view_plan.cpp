#include "renderfm/data/view_plan.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "renderfm/math/rng.h"

namespace renderfm::data {
namespace {

constexpr double kRadPerDeg = std::numbers::pi / 180;

/// Uniform over all rotations (Shoemake 1992).
Mat3d random_rotation(Pcg32& rng) {
  const double u = rng.uniform<double>(), a = 2 * std::numbers::pi * rng.uniform<double>(),
               b = 2 * std::numbers::pi * rng.uniform<double>();
  const double x = std::sqrt(1 - u) * std::sin(a), y = std::sqrt(1 - u) * std::cos(a);
  const double z = std::sqrt(u) * std::sin(b), w = std::sqrt(u) * std::cos(b);
  return {{{1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)},
           {2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)},
           {2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)}}};
}

std::vector<Vec3d> fibonacci_sphere(int count, const Mat3d& rotation) {
  std::vector<Vec3d> points;
  for (int n = 0; n < count; ++n) {
    const double z = 1 - (2.0 * n + 1) / count, r = std::sqrt(1 - z * z);
    const double phi = 2 * std::numbers::pi * n / std::numbers::phi;
    points.push_back(rotation * Vec3d{r * std::cos(phi), r * std::sin(phi), z});
  }
  return points;
}

/// Each chosen point is the farthest from those before it; ties by index.
std::vector<bool> choose_far_apart(const std::vector<Vec3d>& points, int count, Pcg32& rng) {
  std::vector<bool> chosen(points.size(), false);
  std::vector<double> nearest(points.size(), -2);  // greatest cosine to a chosen point
  for (int n = 0; n < count; ++n) {
    std::size_t best = points.size();
    if (n == 0) {
      best = rng.below(static_cast<std::uint32_t>(points.size()));
    } else {
      for (std::size_t p = 0; p < points.size(); ++p) {
        if (!chosen[p] && (best == points.size() || nearest[p] < nearest[best])) best = p;
      }
    }
    chosen[best] = true;
    for (std::size_t p = 0; p < points.size(); ++p) {
      nearest[p] = std::max(nearest[p], dot(points[p], points[best]));
    }
  }
  return chosen;
}

ViewDirection angles_of(Vec3d direction) {
  return {std::atan2(direction.x, -direction.y) / kRadPerDeg,
          std::asin(std::clamp(direction.z, -1.0, 1.0)) / kRadPerDeg};
}

}  // namespace

Vec3d direction_of(const ViewDirection& view) {
  const double azimuth = view.azimuth_deg * kRadPerDeg, elevation = view.elevation_deg * kRadPerDeg;
  return {std::sin(azimuth) * std::cos(elevation), -std::cos(azimuth) * std::cos(elevation),
          std::sin(elevation)};
}

ViewPlan plan_views(int train, int test, std::uint64_t seed) {
  ViewPlan plan;
  if (train + test <= 0) return plan;
  Pcg32 rng = Pcg32::from(seed, 0x76696577);
  const std::vector<Vec3d> points = fibonacci_sphere(train + test, random_rotation(rng));
  const std::vector<bool> is_test = choose_far_apart(points, test, rng);
  for (std::size_t n = 0; n < points.size(); ++n) {
    (is_test[n] ? plan.test : plan.train).push_back(angles_of(points[n]));
  }
  if (train > 0 && test > 0) {
    double greatest_cosine = -1;
    for (const ViewDirection& a : plan.train) {
      for (const ViewDirection& b : plan.test) {
        greatest_cosine = std::max(greatest_cosine, dot(direction_of(a), direction_of(b)));
      }
    }
    plan.least_test_angle_deg = std::acos(std::min(1.0, greatest_cosine)) / kRadPerDeg;
  }
  return plan;
}

}  // namespace renderfm::data
