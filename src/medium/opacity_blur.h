// The blurred opacity whose gradient gives surfaces their normals.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace renderfm {

/// Opacity of 1 mm, 1 - exp(-sigma_t * 1 mm), blurred with a Gaussian of 0.8 voxels; edges repeat.
std::vector<float> blurred_opacity(const std::vector<float>& sigma_t_per_mm,
                                   const std::array<std::int64_t, 3>& shape_zyx);

}  // namespace renderfm
