#include "renderfm/image/psnr.h"

#include "renderfm/tensor/check_tensor.h"

namespace renderfm {

torch::Tensor psnr_db(const torch::Tensor& image, const torch::Tensor& target) {
  check_tensor(image, "image", {-1, -1, -1, -1}, image.scalar_type());
  check_tensor(target, "target", {image.size(0), image.size(1), image.size(2), image.size(3)},
               image.scalar_type());
  const torch::Tensor difference = image.detach().to(torch::kFloat64) - target.detach().to(torch::kFloat64);
  return -10 * difference.square().mean({1, 2, 3}).log10();
}

}  // namespace renderfm
