#include "volume/phantom/painter.h"

#include <algorithm>
#include <cmath>

#include "renderfm/core/parallel.h"

namespace renderfm::phantom {
namespace {

constexpr float kFar = 1e4f;

VoxelRange overlap(const VoxelRange& a, const VoxelRange& b) {
  VoxelRange r;
  for (int x = 0; x < 3; ++x) {
    r.low[x] = std::max(a.low[x], b.low[x]);
    r.high[x] = std::min(a.high[x], b.high[x]);
  }
  return r;
}

// A linear ramp gives the middle of a tube the share 1/2 + r / ramp; a tube thinner than the voxel (ramp
// / 1.7) covers only its section's share of it. The difference as a length along the ramp.
float thinning(float radius_mm, float ramp_mm) {
  if (radius_mm <= 0) return 0;
  const float across = 2 * radius_mm * 1.7f / ramp_mm;
  const float share = std::min(0.785398f * across * across, 1.0f);
  return std::max(radius_mm + ramp_mm * (0.5f - share), 0.0f);
}

}  // namespace

std::vector<PlacedShape> place(const Scene& scene, const Warp& warp, float ramp_mm) {
  std::vector<PlacedShape> placed(scene.size());
  parallel_for(0, static_cast<std::int64_t>(scene.size()), 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t s = first; s < last; ++s) {
      const Shape& shape = scene[static_cast<std::size_t>(s)];
      PlacedShape& out = placed[static_cast<std::size_t>(s)];
      out.shape = &shape;
      float blend = 0;
      for (const Primitive& piece : shape.pieces) blend = std::max(blend, piece.blend_mm);
      // Sizes and bends stretch lengths a little, hence the factor.
      const auto world = [&](const Primitive& piece, float margin_mm) {
        return warp.world_box(piece.box.grown(1.3f * (margin_mm + ramp_mm)));
      };
      for (const Primitive& piece : shape.pieces) {
        out.pieces.push_back(world(piece, blend));
        out.box.add(out.pieces.back());
        out.thinning_mm.push_back(shape.label == 0 ? thinning(piece.radius_mm, ramp_mm) : 0.0f);
      }
      for (const Primitive& piece : shape.carved) out.carved.push_back(world(piece, shape.carve_blend_mm));
    }
  });
  return placed;
}

Slab::Slab(const Geometry& grid, const Warp& warp, std::int64_t first, std::int64_t last, float ramp_mm)
    : grid_(grid),
      first_(first),
      last_(last),
      ramp_mm_(ramp_mm),
      width_(grid.width()),
      height_(grid.height()) {
  const std::size_t count = static_cast<std::size_t>((last - first) * width_ * height_);
  place.resize(count);
  hu.assign(count, -1000.0f);
  label.assign(count, 0);
  distance_.resize(count);
  std::size_t n = 0;
  for (std::int64_t k = first; k < last; ++k) {
    for (std::int64_t j = 0; j < height_; ++j) {
      for (std::int64_t i = 0; i < width_; ++i, ++n) {
        const Vec3d p =
            grid.world_from_index({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)});
        place[n] = warp.canonical_from_world(
            {static_cast<float>(p.x), static_cast<float>(p.y), static_cast<float>(p.z)});
      }
    }
  }
}

template <class Body>
void Slab::for_rows(const VoxelRange& r, const Body& body) const {
  if (r.empty()) return;
  for (std::int64_t k = r.low[2]; k < r.high[2]; ++k) {
    for (std::int64_t j = r.low[1]; j < r.high[1]; ++j) {
      const std::int64_t row = ((k - first_) * height_ + j) * width_;
      body(static_cast<std::size_t>(row + r.low[0]), static_cast<std::size_t>(row + r.high[0]));
    }
  }
}

VoxelRange Slab::range(const Box& world) const {
  const Vec3d low = grid_.index_from_world(
      {static_cast<double>(world.low.x), static_cast<double>(world.low.y), static_cast<double>(world.low.z)});
  const Vec3d high =
      grid_.index_from_world({static_cast<double>(world.high.x), static_cast<double>(world.high.y),
                              static_cast<double>(world.high.z)});
  VoxelRange r;
  const std::int64_t least[3] = {0, 0, first_}, most[3] = {width_, height_, last_};
  for (int a = 0; a < 3; ++a) {
    r.low[a] = std::clamp(static_cast<std::int64_t>(std::floor(low[a])), least[a], most[a]);
    r.high[a] = std::clamp(static_cast<std::int64_t>(std::ceil(high[a])) + 1, least[a], most[a]);
  }
  return r;
}

void Slab::paint(const PlacedShape& placed, const NoiseTile& texture) {
  const VoxelRange all = range(placed.box);
  if (all.empty()) return;
  const Shape& shape = *placed.shape;
  const bool everywhere = shape.only_on.none();
  for_rows(all, [&](std::size_t begin, std::size_t end) {
    std::fill(distance_.begin() + static_cast<std::ptrdiff_t>(begin),
              distance_.begin() + static_cast<std::ptrdiff_t>(end), kFar);
  });
  for (std::size_t i = 0; i < shape.pieces.size(); ++i) {
    const Primitive& piece = shape.pieces[i];
    const float k = piece.blend_mm, thinner = placed.thinning_mm[i];
    for_rows(overlap(range(placed.pieces[i]), all), [&](std::size_t begin, std::size_t end) {
      for (std::size_t n = begin; n < end; ++n) {
        if (!everywhere && !shape.only_on[label[n]]) continue;
        distance_[n] = smooth_min(distance_[n], piece.distance(place[n]) + thinner, k);
      }
    });
  }
  for (std::size_t i = 0; i < shape.carved.size(); ++i) {
    const Primitive& piece = shape.carved[i];
    for_rows(overlap(range(placed.carved[i]), all), [&](std::size_t begin, std::size_t end) {
      for (std::size_t n = begin; n < end; ++n) {
        if (distance_[n] > ramp_mm_ + shape.carve_blend_mm) continue;
        distance_[n] = smooth_max(distance_[n], -piece.distance(place[n]), shape.carve_blend_mm);
      }
    });
  }
  for_rows(all, [&](std::size_t begin, std::size_t end) {
    for (std::size_t n = begin; n < end; ++n) {
      if (distance_[n] >= 0.5f * ramp_mm_) continue;
      coat(n, distance_[n], shape.label, shape.material, texture);
      if (shape.inner.label != 0) {
        coat(n, distance_[n] + shape.inner.depth_mm, shape.inner.label, shape.inner.material, texture);
      }
    }
  });
}

void Slab::coat(std::size_t n, float distance, std::uint8_t paint_label, const Material& material,
                const NoiseTile& texture) {
  // Linear across the surface, so that trilinear interpolation later finds it without terraces.
  const float share = std::clamp(0.5f - distance / ramp_mm_, 0.0f, 1.0f);
  if (share <= 0) return;
  if (material) hu[n] = mix(hu[n], material(place[n], -distance, texture), share);
  if (distance < 0 && paint_label != 0) label[n] = paint_label;
}

}  // namespace renderfm::phantom
