#include "volume/phantom/warp.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "renderfm/core/parallel.h"
#include "renderfm/math/rng.h"

namespace renderfm::phantom {
namespace {

// Slow random bends: no surface is a perfect ellipsoid and no two patients differ by scale alone.
struct Waves {
  struct Wave {
    Vec3f frequency, amount;
    float phase;
  };
  std::array<Wave, 12> waves;

  explicit Waves(std::uint64_t seed) {
    Pcg32 rng = Pcg32::from(seed, 0x3A2F);
    for (Wave& w : waves) {
      const Vec3f direction{rng.normal<float>(), rng.normal<float>(), rng.normal<float>()};
      const float length_mm = rng.uniform<float>(70, 190);
      w.frequency = direction * (6.2831853f / (length_mm * std::max(norm(direction), 0.1f)));
      w.amount = Vec3f{rng.normal<float>(), rng.normal<float>(), rng.normal<float>()} * 0.62f;
      w.phase = rng.uniform<float>(0, 6.2831853f);
    }
  }
  Vec3f operator()(Vec3f p) const {
    Vec3f d{0, 0, 0};
    for (const Wave& w : waves) d = d + w.amount * std::sin(dot(w.frequency, p) + w.phase);
    return d;
  }
};

// A lateral curve of the spine, with the tilt and the turn of its vertebrae. Whole near the spine, weaker at
// the skin: ribs crowd in the concavity and stand out behind on the convex side.
class Scoliosis {
 public:
  explicit Scoliosis(const Patient& patient) : patient_(patient) {
    const float cobb = static_cast<float>(patient.traits.scoliosis_deg) * 3.14159265f / 180;
    bent_ = cobb != 0;
    // The tangent's tilt: level at L5, so that the pelvis stays straight; a lumbar curve against the thoracic
    // one, half the Cobb angle each way at T12 and T4.
    slope_ = Profile({{-165, 0}, {-105, 0.25f * cobb}, {0, -0.5f * cobb}, {200, 0.5f * cobb}, {300, 0}});
    for (int z = kBegin; z <= 360; ++z) {
      offset_.push_back(offset_.empty() ? 0
                                        : offset_.back() + std::tan(slope_(static_cast<float>(z) - 0.5f)));
    }
  }

  Vec3f operator()(Vec3f p) const {
    if (!bent_) return {0, 0, 0};
    const float at = std::clamp(p.z - kBegin, 0.0f, static_cast<float>(offset_.size() - 2));
    const auto k = static_cast<std::size_t>(at);
    const float offset = mix(offset_[k], offset_[k + 1], at - static_cast<float>(k));
    const float tilt = std::tan(slope_(p.z));
    const float curvature = (slope_(p.z + 4) - slope_(p.z - 4)) / 8;
    const Vec3f spine = patient_.spine(p.z);
    const float x = p.x - offset, y = p.y - spine.y, r = std::hypot(x, y);
    // The spine turns its bodies towards the convexity, 0.35 of the Cobb angle at the apex.
    const float turn = -47 * curvature * mix(1.0f, 0.35f, smooth_step(70, 190, r));
    return {-offset * mix(1.0f, 0.5f, smooth_step(60, 190, r)) + turn * y, -turn * x,
            tilt * x * mix(1.0f, 0.15f, smooth_step(35, 150, r))};
  }

 private:
  static constexpr int kBegin = -216;
  const Patient& patient_;
  bool bent_ = false;
  Profile slope_;
  std::vector<float> offset_;  // of the spine, every millimetre from kBegin
};

}  // namespace

Warp::Warp(const Patient& patient) : size_(patient.size) {
  const Waves waves(patient.seed);
  const Scoliosis scoliosis(patient);
  const Box box = patient.torso_box().grown(80);
  low_ = box.low;
  for (int a = 0; a < 3; ++a) {
    count_[a] = static_cast<int>(std::ceil((box.high[a] - box.low[a]) / kCell)) + 2;
  }
  const std::size_t plane = static_cast<std::size_t>(count_[0]) * static_cast<std::size_t>(count_[1]);
  shift_.resize(plane * static_cast<std::size_t>(count_[2]));
  parallel_for(0, count_[2], 2, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t k = first; k < last; ++k) {
      std::size_t n = static_cast<std::size_t>(k) * plane;
      for (int j = 0; j < count_[1]; ++j) {
        for (int i = 0; i < count_[0]; ++i, ++n) {
          const Vec3f p =
              low_ + Vec3f{static_cast<float>(i), static_cast<float>(j), static_cast<float>(k)} * kCell;
          Vec3f bend = waves(p);
          // Ten degrees of lateral bend would already be a scoliosis.
          const Vec3f spine = patient.spine(p.z);
          bend.x *= mix(0.35f, 1.0f, smooth_step(20, 90, std::hypot(p.x, p.y - spine.y)));
          shift_[n] = scoliosis(p) + bend;
        }
      }
    }
  });
  least_ = greatest_ = shift_[0];
  for (const Vec3f& d : shift_) {
    for (int a = 0; a < 3; ++a) {
      least_[a] = std::min(least_[a], d[a]);
      greatest_[a] = std::max(greatest_[a], d[a]);
    }
  }
}

int Warp::node(int axis, float x) const {
  return std::clamp(static_cast<int>(std::floor((x - low_[axis]) / kCell)), 0, count_[axis] - 2);
}

Vec3f Warp::canonical_from_world(Vec3f world) const {
  const Vec3f p{world.x / size_.x, world.y / size_.y, world.z / size_.z};
  int cell[3];
  float t[3];
  for (int a = 0; a < 3; ++a) {
    const float x = (p[a] - low_[a]) / kCell;
    cell[a] = std::clamp(static_cast<int>(x), 0, count_[a] - 2);
    t[a] = std::clamp(x - static_cast<float>(cell[a]), 0.0f, 1.0f);
  }
  Vec3f planes[2];
  for (int dz = 0; dz < 2; ++dz) {
    Vec3f rows[2];
    for (int dy = 0; dy < 2; ++dy) {
      const std::size_t at = (static_cast<std::size_t>(cell[2] + dz) * static_cast<std::size_t>(count_[1]) +
                              static_cast<std::size_t>(cell[1] + dy)) *
                                 static_cast<std::size_t>(count_[0]) +
                             static_cast<std::size_t>(cell[0]);
      rows[dy] = mix(shift_[at], shift_[at + 1], t[0]);
    }
    planes[dz] = mix(rows[0], rows[1], t[1]);
  }
  return p + mix(planes[0], planes[1], t[2]);
}

Box Warp::world_box(const Box& canonical) const {
  // p = c - shift(p): bounds of the shift over a box of p give a smaller box of p, and so on.
  Vec3f least = least_, greatest = greatest_;
  Box p{canonical.low - greatest, canonical.high - least};
  for (int pass = 0; pass < 3; ++pass) {
    int from[3], to[3];
    for (int a = 0; a < 3; ++a) from[a] = node(a, p.low[a]), to[a] = node(a, p.high[a]) + 1;
    const std::int64_t nodes =
        static_cast<std::int64_t>(to[0] - from[0] + 1) * (to[1] - from[1] + 1) * (to[2] - from[2] + 1);
    if (nodes > 20000) break;  // a large organ gains nothing from more work
    least = {1e9f, 1e9f, 1e9f}, greatest = {-1e9f, -1e9f, -1e9f};
    for (int k = from[2]; k <= to[2]; ++k) {
      for (int j = from[1]; j <= to[1]; ++j) {
        const std::size_t row = (static_cast<std::size_t>(k) * static_cast<std::size_t>(count_[1]) +
                                 static_cast<std::size_t>(j)) *
                                static_cast<std::size_t>(count_[0]);
        for (int i = from[0]; i <= to[0]; ++i) {
          const Vec3f& d = shift_[row + static_cast<std::size_t>(i)];
          for (int a = 0; a < 3; ++a) {
            least[a] = std::min(least[a], d[a]);
            greatest[a] = std::max(greatest[a], d[a]);
          }
        }
      }
    }
    p = {canonical.low - greatest, canonical.high - least};
  }
  return {p.low * size_, p.high * size_};
}

}  // namespace renderfm::phantom
