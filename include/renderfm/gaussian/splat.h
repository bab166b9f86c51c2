// .splat, the format of small web viewers: 32 bytes a Gaussian, no header, little endian: float position[3],
// float scale[3] (linear), uint8 red green blue opacity, uint8 quaternion w x y z as 128 q + 128.
//
// We write metres in the axes that its viewers show upright: right, down, forward; x is the patient's left.
// It holds no view dependence: the slice at u = 0 with the colour of SH degree 0 is baked. Opacities and
// colours have 8 bits, colours outside [0, 1] are clipped. Rows are sorted by volume times opacity, largest
// first, as its viewers load them.
#pragma once

#include <filesystem>

#include "renderfm/gaussian/gaussian_set.h"

namespace renderfm {

/// Atomic.
void write_splat(const GaussianSet& gaussians, const std::filesystem::path& path);
/// Takes positions as metres in the axes above. Throws kBadInput.
GaussianSet read_splat(const std::filesystem::path& path);

}  // namespace renderfm
