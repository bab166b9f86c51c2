// Gaussian files: .ply that opens anywhere as plain 3DGS and keeps the sixth dimension beside it.
//
// Binary little endian, one vertex a Gaussian, floats in this order: x y z (mm, LPS), nx ny nz (direction
// mean), f_dc_0..2, f_rest_0..8 (channel-major), opacity (logit), scale_0..2 (ln mm), rot_0..3 (w x y z),
// dir_chol_0..5 (A: 00 10 11 20 21 22), dir_shift_0..8 (B row-major, mm), label.
#pragma once

//
// Read are also plain 3DGS files of any SH degree (above degree 1 is dropped, with a warning; they get μ_d =
// 0, B = 0, A = 10⁴ I) and what the authors of 6DGS and Render-FM write, converted exactly:
// - 6DGS: mean_view_0..2 (or mean_*, or nx ny nz; normalised), scale_0..5 (or diags_*; ln of the diagonal)
// and
//   l_triangle_0..14 (or l_triangs_*; 2 sigmoid - 1) of the Cholesky factor of the joint covariance, position
//   first; lambda_opc (logit of a λ of its own; 0.35 where absent).
// - dGS, and their Render-FM predictions: scale and rot of the conditional, mean_view_* or nx ny nz,
// L_22_inv_0..5
//   (Cholesky factor of the direction's precision P, diagonal as log), v_12_direction_0..8 and lambda_view:
//   the shift is sigmoid(lambda_view) s̄ v / |v| P (d - μ_d), s̄ the mean extent; label.
#pragma once

#include <filesystem>

#include "renderfm/gaussian/file_format.h"
#include "renderfm/gaussian/gaussian_set.h"

namespace renderfm {

/// Atomic. Values that no reader survives (NaN, infinite) throw kRuntime.
void write_ply(const GaussianSet& gaussians, const std::filesystem::path& path,
               PlyFlavor flavor = PlyFlavor::kRenderfm);

/// Throws kBadInput with one sentence: not a PLY, truncated, missing property, NaN.
GaussianSet read_ply(const std::filesystem::path& path);

}  // namespace renderfm
