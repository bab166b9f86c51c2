#include "raster/autograd.h"

#include <utility>

#include "renderfm/core/check.h"

namespace renderfm::raster {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Arguments of forward, in order; backward returns one gradient for each.
enum Input {
  kPosition,
  kSh,
  kOpacity,
  kDirectionMean,
  kChol,
  kPosePosition,
  kPoseRotation,
  kInputs,
  kBackend,
  kNotFinite,
  kInputCount
};
enum Output { kRgb, kAlpha, kDepth };

constexpr const char* kRecord = "record";

Drawing draw(const DrawInputs& inputs, Backend backend, bool for_backward) {
  return backend == Backend::kCuda ? draw_cuda(inputs, for_backward) : draw_cpu(inputs, for_backward);
}

// The record with what else its backward pass needs, kept by the graph and freed with it.
struct Saved : torch::CustomClassHolder {
  DrawInputs inputs;  // tensors left out: save_for_backward keeps those
  c10::intrusive_ptr<DrawRecord> record;
};

class Rasterize : public torch::autograd::Function<Rasterize> {
 public:
  static variable_list forward(AutogradContext* ctx, const torch::Tensor& position_mm,
                               const torch::Tensor& sh, const torch::Tensor& opacity,
                               const torch::Tensor& direction_mean, const torch::Tensor& chol,
                               const torch::Tensor& pose_position, const torch::Tensor& pose_rotation,
                               DrawInputs inputs, Backend backend, std::int64_t* not_finite) {
    inputs.pose_gradients = pose_position.numel() > 0 && pose_rotation.numel() > 0;
    Drawing drawing = draw(inputs, backend, /*for_backward=*/true);
    *not_finite = drawing.not_finite;
    ctx->save_for_backward({position_mm, sh, opacity, direction_mean, chol});
    auto saved = c10::make_intrusive<Saved>();
    inputs.position_mm = inputs.sh = inputs.opacity = inputs.direction_mean = inputs.chol = torch::Tensor();
    saved->inputs = std::move(inputs);
    saved->record = std::move(drawing.record);
    ctx->saved_data[kRecord] =
        c10::IValue::make_capsule(c10::intrusive_ptr<torch::CustomClassHolder>(std::move(saved)));
    ctx->set_materialize_grads(false);
    return {drawing.output.rgb, drawing.output.alpha, drawing.output.depth};
  }

  static variable_list backward(AutogradContext* ctx, variable_list v_outputs) {
    RFM_CHECK(!torch::GradMode::is_enabled(),
              "rasterize has no second derivatives: create_graph must be off");
    const auto capsule = ctx->saved_data[kRecord].toCapsule();
    const auto* saved = dynamic_cast<const Saved*>(capsule.get());
    RFM_CHECK(saved != nullptr, "rasterize's record of the forward pass is missing");
    const variable_list tensors = ctx->get_saved_variables();
    DrawInputs inputs = saved->inputs;
    inputs.position_mm = tensors[kPosition];
    inputs.sh = tensors[kSh];
    inputs.opacity = tensors[kOpacity];
    inputs.direction_mean = tensors[kDirectionMean];
    inputs.chol = tensors[kChol];
    const DrawGradients v =
        saved->record->backward(inputs, {v_outputs[kRgb], v_outputs[kAlpha], v_outputs[kDepth]});
    variable_list gradients(kInputCount);
    gradients[kPosition] = v.position_mm;
    gradients[kSh] = v.sh;
    gradients[kOpacity] = v.opacity;
    gradients[kDirectionMean] = v.direction_mean;
    gradients[kChol] = v.chol;
    if (inputs.pose_gradients) {
      gradients[kPosePosition] = v.pose_position_mm;
      gradients[kPoseRotation] = v.pose_rotation;
    }
    return gradients;
  }
};

bool wants_gradients(const DrawInputs& in, const CameraPoses& poses) {
  if (!torch::GradMode::is_enabled()) return false;
  for (const torch::Tensor* tensor : {&in.position_mm, &in.sh, &in.opacity, &in.direction_mean, &in.chol}) {
    if (tensor->requires_grad()) return true;
  }
  return poses.defined() && (poses.position_mm.requires_grad() || poses.rotation.requires_grad());
}

}  // namespace

RenderOutput draw_differentiable(const DrawInputs& inputs, const CameraPoses& poses, Backend backend,
                                 std::int64_t& not_finite) {
  if (!wants_gradients(inputs, poses)) {
    Drawing drawing = draw(inputs, backend, /*for_backward=*/false);
    not_finite = drawing.not_finite;
    return drawing.output;
  }
  RFM_CHECK(inputs.clip.planes.empty(), "a drawing cut by planes has no gradients: draw it without asking");
  // The function's arguments must be defined; empty ones stand for poses that nobody asked about.
  const torch::Tensor none = torch::empty({0}, inputs.opacity.options().requires_grad(false));
  const variable_list out =
      Rasterize::apply(inputs.position_mm, inputs.sh, inputs.opacity, inputs.direction_mean, inputs.chol,
                       poses.defined() ? poses.position_mm : none, poses.defined() ? poses.rotation : none,
                       inputs, backend, &not_finite);
  return {out[kRgb], out[kAlpha], out[kDepth]};
}

}  // namespace renderfm::raster
