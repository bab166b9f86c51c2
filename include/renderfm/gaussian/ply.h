// Gaussian files: .ply that opens anywhere as plain 3DGS and keeps the sixth dimension beside it.
//
// Binary little endian, one vertex a Gaussian, floats in this order: x y z (mm, LPS), nx ny nz (direction
// mean), f_dc_0..2, f_rest_0..8 (channel-major), opacity (logit), scale_0..2 (ln mm), rot_0..3 (w x y z),
// dir_chol_0..5 (A: 00 10 11 20 21 22), dir_shift_0..8 (B row-major, mm), label.
#pragma once

#include <filesystem>

#include "renderfm/gaussian/gaussian_set.h"

namespace renderfm {

enum class PlyFlavor {
  kRenderfm,  ///< as above, 42 floats
  kInria,  ///< the first part alone, SH padded to degree 3: exactly the 62 floats that strict importers want
};

/// Atomic. Values that no reader survives (NaN, infinite) throw kRuntime.
void write_ply(const GaussianSet& gaussians, const std::filesystem::path& path,
               PlyFlavor flavor = PlyFlavor::kRenderfm);

/// Reads our files and plain 3DGS ones of any SH degree (above degree 1 is dropped, with a warning; plain
/// ones get μ_d = 0, B = 0, A = 10⁴ I). Throws kBadInput with one sentence: not a PLY, truncated, missing
/// property, NaN.
GaussianSet read_ply(const std::filesystem::path& path);

}  // namespace renderfm
