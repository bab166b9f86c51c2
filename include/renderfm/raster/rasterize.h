// Draws 6D Gaussians: the one entry point, whatever the backend.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "renderfm/gaussian/gaussian_set.h"
#include "renderfm/raster/clip.h"
#include "renderfm/view/camera.h"

namespace renderfm::raster {

/// kReference: plain tensor operations, an oracle, not a tool: every Gaussian meets every pixel. kCpu:
/// threads and SIMD; in float64, without SIMD, for checking gradients. kCuda: our kernels, float32.
/// kAutomatic: kCuda where the Gaussians lie on a GPU and this build has kernels, else kCpu. All are
/// differentiable.
enum class Backend { kAutomatic, kReference, kCpu, kCuda };

/// Planes that cut what is drawn (raster/clip.h says how); none cut nothing.
struct ClipRegion {
  std::vector<ClipPlane<double>> planes;  ///< at most kMaxClipPlanes; normals of any length
  torch::Tensor exempt;                   ///< [N] bool: left whole; may be undefined
};

struct RasterOptions {
  Backend backend = Backend::kAutomatic;
  std::int64_t memory_limit_bytes = 0;  ///< refuse to allocate more; 0: what the machine has left
  ClipRegion clip = {};                 ///< only for drawings without gradients
};

/// Where gradients of the cameras' poses are wanted: tensors in place of Camera's position and rotation, in
/// the precision of the Gaussians.
struct CameraPoses {
  torch::Tensor position_mm;  ///< [V, 3]
  torch::Tensor rotation;     ///< [V, 3, 3] camera_from_world: rows are the camera's axes in the world
  bool defined() const { return position_mm.defined(); }
};

/// In the precision and on the device of the Gaussians; background black, colours display-referred sRGB.
struct RenderOutput {
  torch::Tensor rgb;    ///< [V, 3, H, W]
  torch::Tensor alpha;  ///< [V, H, W] = 1 - T
  torch::Tensor depth;  ///< [V, H, W] = sum of w z in mm, undivided
};

/// All cameras must share width and height. Gaussians with a NaN or an infinite parameter are not drawn, get
/// no gradient, and a warning counts them. Gradients reach every parameter of the set and `poses`; each entry
/// of a rotation has its own, as if it were free. Equal bits for any thread count. Throws kRuntime on wrong
/// shapes, naming both, and where the memory it would take is not there.
RenderOutput rasterize(const GaussianSet& gaussians, const std::vector<Camera>& cameras,
                       const RasterOptions& options = {}, const CameraPoses& poses = {});

}  // namespace renderfm::raster
