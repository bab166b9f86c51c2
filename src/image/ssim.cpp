#include "renderfm/image/ssim.h"

#include <torch/csrc/autograd/custom_function.h>

#include "image/ssim_parts.h"
#include "renderfm/core/check.h"
#include "renderfm/tensor/check_tensor.h"

namespace renderfm {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

enum Input { kImage, kTarget, kInputCount };

class Ssim : public torch::autograd::Function<Ssim> {
 public:
  static torch::Tensor forward(AutogradContext* ctx, const torch::Tensor& image,
                               const torch::Tensor& target) {
    const bool derivatives = image.requires_grad();
    const ssim_parts::Result result = image.is_cpu() ? ssim_parts::forward_cpu(image, target, derivatives)
                                                     : ssim_parts::forward_tensor(image, target, derivatives);
    if (derivatives) ctx->save_for_backward({image, target, result.derivatives});
    return result.mean;
  }

  static variable_list backward(AutogradContext* ctx, variable_list v_outputs) {
    RFM_CHECK(!torch::GradMode::is_enabled(), "ssim has no second derivatives: create_graph must be off");
    const variable_list saved = ctx->get_saved_variables();
    const torch::Tensor v_mean = v_outputs[0].contiguous();
    variable_list gradients(kInputCount);
    gradients[kImage] = saved[kImage].is_cpu()
                            ? ssim_parts::backward_cpu(saved[kImage], saved[kTarget], saved[2], v_mean)
                            : ssim_parts::backward_tensor(saved[kImage], saved[kTarget], saved[2], v_mean);
    return gradients;
  }
};

}  // namespace

torch::Tensor ssim(const torch::Tensor& image, const torch::Tensor& target) {
  const auto type = image.scalar_type();
  RFM_CHECK(type == torch::kFloat32 || type == torch::kFloat64, "ssim takes float32 or float64, not {}",
            torch::toString(type));
  check_tensor(image, "image", {-1, -1, -1, -1}, type);
  check_tensor(target, "target", {image.size(0), image.size(1), image.size(2), image.size(3)}, type);
  RFM_CHECK(image.numel() > 0, "ssim was given empty images, {}", shape_text(image.sizes()));
  RFM_CHECK(!target.requires_grad(), "ssim has no gradient for the target: detach it, or swap the two");
  return Ssim::apply(image.contiguous(), target.contiguous());
}

}  // namespace renderfm
