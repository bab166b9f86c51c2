// Draws 6D Gaussians: the one entry point, whatever the backend.
#pragma once

#include <torch/types.h>

#include <vector>

#include "renderfm/gaussian/gaussian_set.h"
#include "renderfm/view/camera.h"

namespace renderfm::raster {

/// kReference: plain tensor operations in the set's precision, differentiable by autograd; an oracle, not a
/// tool: every Gaussian meets every pixel. kCpu: threads and SIMD, float32, no gradients. kAutomatic:
/// kReference where gradients are asked for, kCpu otherwise.
enum class Backend { kAutomatic, kReference, kCpu };

struct RasterOptions {
  Backend backend = Backend::kAutomatic;
};

/// In the precision and on the device of the Gaussians; background black, colours display-referred sRGB.
struct RenderOutput {
  torch::Tensor rgb;    ///< [V, 3, H, W]
  torch::Tensor alpha;  ///< [V, H, W] = 1 - T
  torch::Tensor depth;  ///< [V, H, W] = sum of w z in mm, undivided
};

/// All cameras must share width and height. Gaussians with a NaN or an infinite parameter are not drawn, and
/// a warning counts them. Throws kRuntime on wrong shapes, naming both.
RenderOutput rasterize(const GaussianSet& gaussians, const std::vector<Camera>& cameras,
                       const RasterOptions& options = {});

}  // namespace renderfm::raster
