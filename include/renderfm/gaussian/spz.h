// .spz, Niantic's compressed splats. We write version 3 and read 2 to 4.
//
// Versions 2 and 3: gzip of a 16-byte header (u32 "NGSP", u32 version, u32 count, u8 SH degree, u8 fractional
// bits, u8 flags, u8 0) and, one after the other for all Gaussians, positions (3 x i24 fixed point),
// opacities u8, colours 3 x u8 (dc 0.15 255 + 127.5), scales 3 x u8 ((ln s + 10) 16), rotations (3 x u8 x y
// z; version 3: the smallest three of x y z w in 9 bits and a sign each), SH u8 (128 c + 128,
// coefficient-major, RGB inner). Version 4: a 32-byte header, a table of stream sizes, and the same six as
// zstd streams.
//
// Axes are right, up, back; we write metres with x the patient's left and y towards the head, SH in the full
// 8 bits. It holds no view dependence of shape: the slice at u = 0 is baked, SH degree 1 is kept. Flag 1 is
// our low-pass compensation. Quantisation: opacity 1/510, colour 0.0037, scale 3.2 %, rotation 0.1 degree.
#pragma once

#include <filesystem>

#include "renderfm/gaussian/gaussian_set.h"

namespace renderfm {

/// Atomic. sh_degree 0 leaves the linear part of the colour out.
void write_spz(const GaussianSet& gaussians, const std::filesystem::path& path, int sh_degree = 1);
/// Takes positions as metres. Throws kBadInput.
GaussianSet read_spz(const std::filesystem::path& path);

}  // namespace renderfm
