#include "volume/phantom/scene.h"

#include <fmt/core.h>

#include <cmath>

#include "renderfm/core/check.h"
#include "renderfm/math/rng.h"
#include "renderfm/volume/labels.h"

namespace renderfm::phantom {
namespace {
constexpr int kTile = 64;
}

NoiseTile::NoiseTile(std::uint64_t seed) : values_(kTile * kTile * kTile) {
  for (std::size_t i = 0; i < values_.size(); ++i) {
    values_[i] = 2 * unit_from_bits<float>(hash64(seed, 0x7E57, i)) - 1;
  }
}

float NoiseTile::operator()(Vec3f p, float cell_mm) const {
  int cell[3];
  float t[3];
  for (int a = 0; a < 3; ++a) {
    const float x = p[a] / cell_mm, whole = std::floor(x);
    t[a] = x - whole;
    t[a] = t[a] * t[a] * (3 - 2 * t[a]);
    cell[a] = static_cast<int>(whole) & (kTile - 1);
  }
  const int x0 = cell[0], x1 = (x0 + 1) & (kTile - 1);
  float plane[2];
  for (int dz = 0; dz < 2; ++dz) {
    const int z = ((cell[2] + dz) & (kTile - 1)) * kTile;
    float row[2];
    for (int dy = 0; dy < 2; ++dy) {
      const float* line = &values_[static_cast<std::size_t>((z + ((cell[1] + dy) & (kTile - 1))) * kTile)];
      row[dy] = mix(line[x0], line[x1], t[0]);
    }
    plane[dz] = mix(row[0], row[1], t[1]);
  }
  return mix(plane[0], plane[1], t[2]);
}

Material even(float hu, float texture_hu, float cell_mm) {
  if (texture_hu == 0) return [=](Vec3f, float, const NoiseTile&) { return hu; };
  const float gain = texture_hu / 0.35f;
  return [=](Vec3f p, float, const NoiseTile& noise) { return hu + gain * noise(p, cell_mm); };
}

Material bone(float cortex_hu, float spongy_hu, float cortex_mm) {
  return [=](Vec3f p, float depth_mm, const NoiseTile& noise) {
    const float cortex = 1 - smooth_step(0.6f * cortex_mm, 1.7f * cortex_mm, depth_mm);
    const float spongy = spongy_hu * (1 + 0.35f * noise(p, 3.1f) + 0.25f * noise(p, 9.7f));
    return mix(spongy, cortex_hu * (1 + 0.12f * noise(p, 5.3f)), cortex);
  };
}

std::uint8_t organ(std::string_view name) {
  const int label = total_segmentator_label(name);
  RFM_CHECK(label > 0, "the phantom paints \"{}\", which is no TotalSegmentator name", name);
  return static_cast<std::uint8_t>(label);
}

std::uint8_t organ(std::string_view stem, bool left) {
  return organ(fmt::format("{}_{}", stem, left ? "left" : "right"));
}

}  // namespace renderfm::phantom
