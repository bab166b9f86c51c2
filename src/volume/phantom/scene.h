// What the phantom is made of: shapes with a label and a material, painted in order, later over earlier.
#pragma once

#include <bitset>
#include <cstdint>
#include <string_view>
#include <vector>

#include "volume/phantom/shapes.h"

namespace renderfm::phantom {

/// Smooth random values on a lattice that repeats every 64 cells; about -1 to 1, standard deviation about
/// 0.35.
class NoiseTile {
 public:
  explicit NoiseTile(std::uint64_t seed);
  /// One cell of the lattice is `cell_mm` wide.
  float operator()(Vec3f p, float cell_mm) const;

 private:
  std::vector<float> values_;
};

/// HU at a point that lies `depth_mm` below the shape's surface (negative just outside).
using Material = std::function<float(Vec3f p, float depth_mm, const NoiseTile& noise)>;

/// `texture_hu` is the standard deviation of slow variation over `cell_mm`.
Material even(float hu, float texture_hu = 0, float cell_mm = 5);
/// A dense shell of `cortex_mm` around a spongy inside.
Material bone(float cortex_hu, float spongy_hu, float cortex_mm);

/// A union of pieces, less the carved ones. Label 0 paints HU alone; without a material, labels alone.
struct Shape {
  std::uint8_t label = 0;
  Material material;
  std::vector<Primitive> pieces;
  std::vector<Primitive> carved;
  float carve_blend_mm = 0;
  std::bitset<256> only_on;  ///< if any: paints only where these labels are already
  /// A second coat below the first, such as the fat under the skin.
  struct Coat {
    float depth_mm = 0;
    std::uint8_t label = 0;
    Material material;
  } inner;
};

using Scene = std::vector<Shape>;

/// Number of a TotalSegmentator v2 name; an unknown name is a programming error.
std::uint8_t organ(std::string_view name);
/// organ(stem + "_left") or organ(stem + "_right").
std::uint8_t organ(std::string_view stem, bool left);

}  // namespace renderfm::phantom
