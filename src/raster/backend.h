// What a backend of the rasterizer offers to the autograd function: draw, and undo what was drawn.
#pragma once

#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <array>
#include <cstdint>
#include <vector>

#include "renderfm/raster/rasterize.h"

namespace renderfm::raster {

/// Checked, contiguous, of one precision, on one device.
struct DrawInputs {
  torch::Tensor position_mm, sh, opacity, direction_mean, chol;
  std::vector<Camera> cameras;  ///< with the poses that are drawn
  double lambda_opacity = 0.35;
  bool low_pass_compensation = true;
  std::int64_t memory_limit_bytes = 0;
  ClipRegion clip = {};        ///< `exempt` in the precision and on the device of the rest, or undefined
  bool pose_gradients = true;  ///< backward need not find those of the poses where this is false

  std::int64_t size() const { return opacity.size(0); }
};

/// The region as kernels get it.
template <class S>
ClipPlanes<S> clip_planes(const ClipRegion& clip) {
  ClipPlanes<S> out;
  for (const ClipPlane<double>& plane : clip.planes) {
    const auto cast = [](double value) { return static_cast<S>(value); };
    const Vec3d& n = plane.normal;
    out.planes[out.count++] = {{cast(n.x), cast(n.y), cast(n.z)}, cast(plane.offset_mm)};
  }
  if (clip.exempt.defined()) out.exempt = clip.exempt.const_data_ptr<S>();
  return out;
}

/// dL/d of every input, shaped like it.
struct DrawGradients {
  torch::Tensor position_mm, sh, opacity, direction_mean, chol;
  torch::Tensor pose_position_mm, pose_rotation;  ///< [V, 3], [V, 3, 3]; may be undefined
};

/// What a backend remembers of a forward pass until its backward pass.
class DrawRecord : public torch::CustomClassHolder {
 public:
  /// `v_output` may have undefined members: no gradient comes from there.
  virtual DrawGradients backward(const DrawInputs& inputs, const RenderOutput& v_output) const = 0;
};

struct Drawing {
  RenderOutput output;
  std::int64_t not_finite = 0;            ///< Gaussians dropped for a NaN or infinite parameter
  c10::intrusive_ptr<DrawRecord> record;  ///< null unless asked for
};

Drawing draw_cpu(const DrawInputs& inputs, bool for_backward);
Drawing draw_cuda(const DrawInputs& inputs, bool for_backward);
/// Whether this build has CUDA kernels.
bool has_cuda();

}  // namespace renderfm::raster
