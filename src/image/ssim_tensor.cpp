#include <torch/csrc/autograd/grad_mode.h>

#include "image/ssim_parts.h"

namespace renderfm::ssim_parts {
namespace {

torch::Tensor blur_axis(const torch::Tensor& images, std::int64_t axis) {
  const auto weight = window<double>();
  const std::int64_t length = images.size(axis);
  torch::Tensor sum = images * weight[0];
  for (std::int64_t shift = 1; shift <= kRadius && shift < length; ++shift) {
    sum.narrow(axis, 0, length - shift).add_(images.narrow(axis, shift, length - shift), weight[shift]);
    sum.narrow(axis, shift, length - shift).add_(images.narrow(axis, 0, length - shift), weight[shift]);
  }
  return sum;
}

torch::Tensor blur(const torch::Tensor& images) { return blur_axis(blur_axis(images, -1), -2); }

}  // namespace

Result forward_tensor(const torch::Tensor& image, const torch::Tensor& target, bool derivatives) {
  const at::NoGradGuard no_grad;
  const torch::Tensor moments =
      blur(at::stack({image, target, image * image, target * target, image * target}));
  const torch::Tensor one = at::ones({}, image.options());
  const Similarity<torch::Tensor> s = similarity<torch::Tensor>(
      moments[0], moments[1], moments[2], moments[3], moments[4], {one, one * kC1, one * kC2});
  Result result{s.value.mean({1, 2, 3}), {}};
  if (derivatives) result.derivatives = at::stack({s.v_mean, s.v_square, s.v_product});
  return result;
}

torch::Tensor backward_tensor(const torch::Tensor& image, const torch::Tensor& target,
                              const torch::Tensor& derivatives, const torch::Tensor& v_mean) {
  const at::NoGradGuard no_grad;
  const torch::Tensor blurred = blur(derivatives);
  const double pixels = static_cast<double>(image[0].numel());
  return (blurred[0] + image * blurred[1] * 2 + target * blurred[2]) *
         (v_mean / pixels).reshape({-1, 1, 1, 1});
}

}  // namespace renderfm::ssim_parts
