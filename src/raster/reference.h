// The oracle: drawing written anew from the papers (6DGS, arXiv 2410.04974; EWA splatting) in plain tensor
// operations, sharing no formula with the other backends. Differentiable by autograd.
#pragma once

#include <cstdint>

#include "renderfm/gaussian/gaussian_set.h"
#include "renderfm/raster/rasterize.h"
#include "renderfm/view/camera.h"

namespace renderfm::raster {

/// Camera's position and rotation as tensors, so that they may have gradients.
struct ReferencePose {
  torch::Tensor position_mm;  ///< [3]
  torch::Tensor rotation;     ///< [3, 3] camera_from_world
};
ReferencePose reference_pose(const Camera& camera, const torch::Tensor& like);

/// One view, without the leading V: rgb [3, H, W], alpha and depth [H, W], float32 or float64 like the set.
/// `not_finite` receives the number of Gaussians dropped for a NaN or infinite parameter.
RenderOutput render_reference(const GaussianSet& gaussians, const Camera& camera, const ReferencePose& pose,
                              const ClipRegion& clip, std::int64_t& not_finite);

}  // namespace renderfm::raster
