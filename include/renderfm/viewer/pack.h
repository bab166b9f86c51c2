// Gaussians as a page carries them: each of their numbers as a plane of 8- or 16-bit steps (none where all
// are equal), differences of neighbours deflated, and written in the characters that text may hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "renderfm/gaussian/gaussian_set.h"

namespace renderfm::viewer {

/// value = low + step * q. In this order: x y z (mm from the view sphere's centre), sh 12, opacity logit,
/// direction mean 3, A and B and C of the factor (00 10 11 20 21 22; B row by row; diagonals as ln), label.
struct PackedChannel {
  int bits = 0;  ///< 0: constant, 8 or 16
  double low = 0, step = 0;
};

inline constexpr int kPackedChannels = 41;

struct PackedGaussians {
  std::int64_t count = 0;
  std::vector<PackedChannel> channels;  ///< [kPackedChannels]
  std::string bytes;  ///< zlib stream of the planes in channel order, 16-bit ones low bytes first
};

/// Positions on a lattice come back exact to float; others to 1/65535 of their range. Colours, opacities and
/// shapes are kept to steps that a display does not show. Throws kBadInput for an empty set.
PackedGaussians pack(const GaussianSet& gaussians, Vec3d centre_mm);

/// What `packed` reads back as, names and conventions from `like`: the set that the page draws.
GaussianSet unpack(const PackedGaussians& packed, const GaussianSet& like, Vec3d centre_mm);

/// Four bytes in five characters of '#' to 'x' without '<': nothing that ends a script element. The last
/// group is padded with zero bytes.
std::string text_from_bytes(const std::string& bytes);

}  // namespace renderfm::viewer
