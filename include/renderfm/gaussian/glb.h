// .glb: glTF 2.0 with KHR_gaussian_splatting, y up, z towards the viewer (anterior), x the patient's left,
// metres.
//
// A mesh of points with POSITION, KHR_gaussian_splatting:ROTATION (x y z w), :SCALE (linear), :OPACITY,
// :SH_DEGREE_0_COEF_0, :SH_DEGREE_1_COEF_0..2 and COLOR_0 (for programs that only know points), all float but
// the last. Other programs draw the slice at u = 0. The sixth dimension lies beside it under
// EXT_renderfm_6dgs, in the same frame: :DIRECTION_MEAN (VEC3), :DIR_CHOL_DIAGONAL and :DIR_CHOL_LOWER (VEC3:
// A 00 11 22, A 10 20 21), :DIR_SHIFT_0..2 (VEC3: rows of B), :LABEL (SCALAR); its object holds version,
// lambdaOpacity, lowPassCompensation, viewSphere, labels, transferFunction and model.
#pragma once

#include <filesystem>

#include "renderfm/gaussian/gaussian_set.h"

namespace renderfm {

/// Atomic; at most 4 GiB (23 million Gaussians), more throws kBadInput. sh_degree 0 leaves the linear part
/// out.
void write_glb(const GaussianSet& gaussians, const std::filesystem::path& path, int sh_degree = 1);
/// Every primitive of the scene that has the extension, under the transforms of its nodes (turned, moved,
/// scaled alike in all directions). Throws kBadInput.
GaussianSet read_glb(const std::filesystem::path& path);

}  // namespace renderfm
