// Paints the scene slab by slab and adds what the scanner does: partial volume and correlated noise.
#include "renderfm/volume/phantom.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/volume/labels.h"
#include "renderfm/volume/tissue_estimator.h"
#include "volume/phantom/parts.h"

namespace renderfm {
namespace {

using phantom::Box;
using phantom::mix;
using phantom::Patient;
using phantom::Primitive;
using phantom::Scene;
using phantom::Shape;

constexpr float kFar = 1e4f;
constexpr std::int64_t kSlabSlices = 8;

// World mm -> canonical mm: size, a curve of the spine and slow random bends, so that no surface is a perfect
// ellipsoid and no two patients differ by scale alone. The bends live on a lattice fixed in the world.
class Warp {
 public:
  explicit Warp(const Patient& patient) : size_(patient.size) {
    Pcg32 rng = Pcg32::from(patient.seed, 0x3A2F);
    struct Wave {
      Vec3f frequency, amount;
      float phase;
    };
    std::array<Wave, 12> waves;
    for (Wave& w : waves) {
      const Vec3f direction{rng.normal<float>(), rng.normal<float>(), rng.normal<float>()};
      const float length_mm = rng.uniform<float>(70, 190);
      w.frequency = direction * (6.2831853f / (length_mm * std::max(norm(direction), 0.1f)));
      w.amount = Vec3f{rng.normal<float>(), rng.normal<float>(), rng.normal<float>()} * 0.62f;
      w.phase = rng.uniform<float>(0, 6.2831853f);
    }
    const Box box = patient.torso_box().grown(80);
    low_ = box.low;
    for (int a = 0; a < 3; ++a) {
      count_[a] = static_cast<int>(std::ceil((box.high[a] - box.low[a]) / kCell)) + 2;
    }
    shift_.resize(static_cast<std::size_t>(count_[0]) * static_cast<std::size_t>(count_[1]) *
                  static_cast<std::size_t>(count_[2]));
    std::size_t n = 0;
    for (int k = 0; k < count_[2]; ++k) {
      for (int j = 0; j < count_[1]; ++j) {
        for (int i = 0; i < count_[0]; ++i, ++n) {
          const Vec3f p =
              low_ + Vec3f{static_cast<float>(i), static_cast<float>(j), static_cast<float>(k)} * kCell;
          Vec3f d{patient.scoliosis_mm * std::sin((p.z - 40) / 75), 0, 0};
          for (const Wave& w : waves) d = d + w.amount * std::sin(dot(w.frequency, p) + w.phase);
          shift_[n] = d;
          for (int a = 0; a < 3; ++a) reach_[a] = std::max(reach_[a], std::abs(d[a]));
        }
      }
    }
  }

  Vec3f canonical_from_world(Vec3f world) const {
    const Vec3f p{world.x / size_.x, world.y / size_.y, world.z / size_.z};
    int cell[3];
    float t[3];
    for (int a = 0; a < 3; ++a) {
      const float x = (p[a] - low_[a]) / kCell;
      cell[a] = std::clamp(static_cast<int>(x), 0, count_[a] - 2);
      t[a] = x - static_cast<float>(cell[a]);
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

  /// A world box that holds every point which maps into the canonical one.
  Box world_box(const Box& canonical) const {
    const Vec3f low = canonical.low - reach_, high = canonical.high + reach_;
    return {low * size_, high * size_};
  }

 private:
  static constexpr float kCell = 8;
  Vec3f size_, low_{}, reach_{0, 0, 0};
  int count_[3]{};
  std::vector<Vec3f> shift_;
};

struct Range {
  std::int64_t low[3], high[3];  // voxels, x y z, the upper end excluded
  bool empty() const { return low[0] >= high[0] || low[1] >= high[1] || low[2] >= high[2]; }
};

// One slab of slices: its own voxels, so that slabs can be painted at the same time.
class Slab {
 public:
  Slab(const Geometry& grid, const Warp& warp, std::int64_t first, std::int64_t last, float ramp_mm)
      : grid_(grid),
        warp_(warp),
        first_(first),
        last_(last),
        ramp_mm_(ramp_mm),
        width_(grid.width()),
        height_(grid.height()) {
    const std::size_t count = static_cast<std::size_t>((last - first) * width_ * height_);
    place_.resize(count);
    hu.assign(count, -1000.0f);
    label.assign(count, 0);
    distance_.resize(count);
    std::size_t n = 0;
    for (std::int64_t k = first; k < last; ++k) {
      for (std::int64_t j = 0; j < height_; ++j) {
        for (std::int64_t i = 0; i < width_; ++i, ++n) {
          const Vec3d p =
              grid.world_from_index({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)});
          place_[n] = warp.canonical_from_world(
              {static_cast<float>(p.x), static_cast<float>(p.y), static_cast<float>(p.z)});
        }
      }
    }
  }

  void paint(const Shape& shape, const phantom::NoiseTile& noise) {
    Box box;
    float blend = 0;
    for (const Primitive& piece : shape.pieces) {
      box.add(piece.box);
      blend = std::max(blend, piece.blend_mm);
    }
    const Range all = range(box, blend);
    if (all.empty()) return;
    const bool everywhere = shape.only_on.none();
    for_rows(all, [&](std::size_t begin, std::size_t end) {
      std::fill(distance_.begin() + static_cast<std::ptrdiff_t>(begin),
                distance_.begin() + static_cast<std::ptrdiff_t>(end), kFar);
    });
    for (const Primitive& piece : shape.pieces) {
      const float k = piece.blend_mm;
      for_rows(overlap(range(piece.box, std::max(k, blend)), all), [&](std::size_t begin, std::size_t end) {
        for (std::size_t n = begin; n < end; ++n) {
          if (!everywhere && !shape.only_on[label[n]]) continue;
          distance_[n] = phantom::smooth_min(distance_[n], piece.distance(place_[n]), k);
        }
      });
    }
    for (const Primitive& piece : shape.carved) {
      for_rows(overlap(range(piece.box, shape.carve_blend_mm), all), [&](std::size_t begin, std::size_t end) {
        for (std::size_t n = begin; n < end; ++n) {
          if (distance_[n] > ramp_mm_ + shape.carve_blend_mm) continue;
          distance_[n] = phantom::smooth_max(distance_[n], -piece.distance(place_[n]), shape.carve_blend_mm);
        }
      });
    }
    for_rows(all, [&](std::size_t begin, std::size_t end) {
      for (std::size_t n = begin; n < end; ++n) {
        if (distance_[n] >= 0.5f * ramp_mm_) continue;
        coat(n, distance_[n], shape.label, shape.material, noise);
        if (shape.inner.label != 0) {
          coat(n, distance_[n] + shape.inner.depth_mm, shape.inner.label, shape.inner.material, noise);
        }
      }
    });
  }

  std::vector<float> hu;
  std::vector<std::uint8_t> label;

 private:
  void coat(std::size_t n, float d, std::uint8_t paint_label, const phantom::Material& material,
            const phantom::NoiseTile& noise) {
    // Linear across the surface, so that trilinear interpolation later finds it without terraces.
    const float share = std::clamp(0.5f - d / ramp_mm_, 0.0f, 1.0f);
    if (share <= 0) return;
    if (material) hu[n] = mix(hu[n], material(place_[n], -d, noise), share);
    if (d < 0 && paint_label != 0) label[n] = paint_label;
  }

  Range range(const Box& canonical, float margin_mm) const {
    // Sizes and bends stretch lengths a little, hence the factor.
    const Box box = warp_.world_box(canonical.grown(1.3f * (margin_mm + ramp_mm_)));
    const Vec3d low = grid_.index_from_world(
        {static_cast<double>(box.low.x), static_cast<double>(box.low.y), static_cast<double>(box.low.z)});
    const Vec3d high = grid_.index_from_world(
        {static_cast<double>(box.high.x), static_cast<double>(box.high.y), static_cast<double>(box.high.z)});
    Range r;
    const std::int64_t least[3] = {0, 0, first_}, most[3] = {width_, height_, last_};
    for (int a = 0; a < 3; ++a) {
      r.low[a] = std::clamp(static_cast<std::int64_t>(std::floor(low[a])), least[a], most[a]);
      r.high[a] = std::clamp(static_cast<std::int64_t>(std::ceil(high[a])) + 1, least[a], most[a]);
    }
    return r;
  }

  static Range overlap(const Range& a, const Range& b) {
    Range r;
    for (int x = 0; x < 3; ++x) {
      r.low[x] = std::max(a.low[x], b.low[x]);
      r.high[x] = std::min(a.high[x], b.high[x]);
    }
    return r;
  }

  template <class Body>
  void for_rows(const Range& r, const Body& body) const {
    if (r.empty()) return;
    for (std::int64_t k = r.low[2]; k < r.high[2]; ++k) {
      for (std::int64_t j = r.low[1]; j < r.high[1]; ++j) {
        const std::int64_t row = ((k - first_) * height_ + j) * width_;
        body(static_cast<std::size_t>(row + r.low[0]), static_cast<std::size_t>(row + r.high[0]));
      }
    }
  }

  const Geometry& grid_;
  const Warp& warp_;
  std::int64_t first_, last_;
  float ramp_mm_;
  std::int64_t width_, height_;
  std::vector<Vec3f> place_;     // canonical mm
  std::vector<float> distance_;  // of the shape being painted
};

// Noise of one slice as filtered back-projection leaves it: smoothed in the plane, unit variance.
void noise_slice(std::uint64_t seed, std::int64_t slice, std::int64_t height, std::int64_t width,
                 std::vector<float>& raw, std::vector<float>& out) {
  const std::int64_t padded = width + 2;
  raw.resize(static_cast<std::size_t>(padded * (height + 2)));
  for (std::size_t n = 0; n < raw.size(); ++n) {
    raw[n] = hash_normal(hash64(seed, 0xCA7, static_cast<std::uint64_t>(slice), n));
  }
  out.resize(static_cast<std::size_t>(width * height));
  // Binomial-like weights (0.5, 1, 0.5) in x and y have energy 1.5 each; the square root of 1.5^2 is 1.5.
  for (std::int64_t j = 0; j < height; ++j) {
    for (std::int64_t i = 0; i < width; ++i) {
      const auto row = [&](std::int64_t dj) {
        const float* p = &raw[static_cast<std::size_t>((j + dj) * padded + i)];
        return 0.5f * p[0] + p[1] + 0.5f * p[2];
      };
      out[static_cast<std::size_t>(j * width + i)] = (0.5f * row(0) + row(1) + 0.5f * row(2)) / 1.5f;
    }
  }
}

Geometry scan_grid(const Patient& patient, double spacing_mm) {
  const Box box = patient.torso_box();
  Geometry grid;
  const Vec3f low = box.low * patient.size, high = box.high * patient.size;
  for (int a = 0; a < 3; ++a) {
    const double extent = static_cast<double>(high[a] - low[a]);
    const auto count = static_cast<std::int64_t>(std::ceil(extent / spacing_mm));
    grid.shape_zyx[static_cast<std::size_t>(2 - a)] = std::max<std::int64_t>(count, 1);
    grid.spacing_zyx_mm[static_cast<std::size_t>(a)] = spacing_mm;
    grid.origin_mm[a] = static_cast<double>(low[a]) + 0.5 * spacing_mm;
  }
  return grid;
}

}  // namespace

void check_phantom_options(const PhantomOptions& options) {
  if (!(options.spacing_mm >= 0.5 && options.spacing_mm <= 20)) {
    fail_input("a phantom cannot have voxels of {} mm; choose 0.5 to 20 mm", options.spacing_mm);
  }
  if (!(options.noise_hu >= 0 && options.noise_hu <= 500)) {
    fail_input("a phantom cannot have a noise of {} HU; choose 0 to 500 HU", options.noise_hu);
  }
}

Phantom make_phantom(const PhantomOptions& options) {
  check_phantom_options(options);
  const Patient patient(options.seed, options.contrast);
  Scene scene;
  phantom::add_body_wall(scene, patient);
  phantom::add_lungs(scene, patient);
  phantom::add_abdomen(scene, patient);
  phantom::add_mediastinum(scene, patient);
  phantom::add_vessels(scene, patient);
  phantom::add_spine(scene, patient);
  phantom::add_skeleton(scene, patient);

  const Warp warp(patient);
  const phantom::NoiseTile texture(options.seed);
  Phantom result;
  const Geometry grid = scan_grid(patient, options.spacing_mm);
  result.ct.geometry = result.labels.geometry = grid;
  const auto count = static_cast<std::size_t>(grid.voxel_count());
  result.ct.voxels.resize(count);
  result.labels.voxels.resize(count);

  // An edge as a scanner draws it: about 1.7 voxels wide, and never sharper than its own blur.
  const float spacing = static_cast<float>(options.spacing_mm);
  const float ramp_mm = 1.7f * std::hypot(spacing, 0.5f);
  // Averaging over a voxel's volume: the deviation falls with its root, within what scanners show.
  const float noise_hu =
      static_cast<float>(options.noise_hu) * std::clamp(std::pow(1.5f / spacing, 1.5f), 0.3f, 2.5f);
  const float kNeighbour = 0.4f, scale = 1 / std::sqrt(1 + kNeighbour * kNeighbour);

  const std::int64_t plane = grid.height() * grid.width();
  parallel_for(0, grid.depth(), kSlabSlices, [&](std::int64_t first, std::int64_t last) {
    Slab slab(grid, warp, first, last, ramp_mm);
    for (const Shape& shape : scene) slab.paint(shape, texture);
    std::vector<float> raw, here, above;
    if (noise_hu > 0) noise_slice(options.seed, first, grid.height(), grid.width(), raw, here);
    for (std::int64_t k = first; k < last; ++k) {
      if (noise_hu > 0) noise_slice(options.seed, k + 1, grid.height(), grid.width(), raw, above);
      const std::size_t local = static_cast<std::size_t>((k - first) * plane),
                        global = static_cast<std::size_t>(k * plane);
      for (std::size_t n = 0; n < static_cast<std::size_t>(plane); ++n) {
        float value = slab.hu[local + n];
        // Neighbouring slices share a part of their rays.
        if (noise_hu > 0) value += noise_hu * scale * (here[n] + kNeighbour * above[n]);
        result.ct.voxels[global + n] = static_cast<std::int16_t>(
            std::lround(std::clamp(value, static_cast<float>(kMinHu), static_cast<float>(kMaxHu))));
        result.labels.voxels[global + n] = slab.label[local + n];
      }
      std::swap(here, above);
    }
  });

  std::array<bool, 256> present{};
  for (const std::uint8_t label : result.labels.voxels) present[label] = true;
  result.labels.names = {{static_cast<std::uint8_t>(Tissue::kVessel), "vessel"},
                         {static_cast<std::uint8_t>(Tissue::kSoftTissue), "soft_tissue"},
                         {static_cast<std::uint8_t>(Tissue::kFat), "fat"},
                         {static_cast<std::uint8_t>(Tissue::kSkin), "skin"}};
  for (int label = 1; label <= 117; ++label) {
    result.labels.names[static_cast<std::uint8_t>(label)] = std::string(total_segmentator_name(label));
  }
  std::erase_if(result.labels.names, [&](const auto& entry) { return !present[entry.first]; });
  return result;
}

}  // namespace renderfm
