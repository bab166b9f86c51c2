#include "renderfm/image/lpips.h"

#include <torch/script.h>

#include "renderfm/core/check.h"
#include "renderfm/tensor/check_tensor.h"

namespace renderfm {

struct Lpips::Module {
  torch::jit::Module script;
};

Lpips::Lpips(const std::filesystem::path& path) : module_(std::make_unique<Module>()) {
  if (!std::filesystem::exists(path)) {
    fail_input("there is no file {}; scripts/export_lpips.py writes one", path.string());
  }
  try {
    module_->script = torch::jit::load(path.string(), torch::kCPU);
    module_->script.eval();
    name_ = module_->script.attr("metric_name").toStringRef();
  } catch (const std::exception&) {
    fail_input("{} is no LPIPS network as scripts/export_lpips.py writes it", path.string());
  }
}

Lpips::~Lpips() = default;
Lpips::Lpips(Lpips&&) noexcept = default;
Lpips& Lpips::operator=(Lpips&&) noexcept = default;

double Lpips::operator()(const torch::Tensor& a, const torch::Tensor& b) const {
  RFM_CHECK(a.dim() == 3 && a.size(0) == 3 && a.sizes() == b.sizes(),
            "LPIPS compares two pictures [3, H, W] of one size, got {} and {}", shape_text(a.sizes()),
            shape_text(b.sizes()));
  const torch::NoGradGuard no_grad;
  const auto batch = [](const torch::Tensor& image) {
    return image.to(torch::kCPU, torch::kFloat32).clamp(0, 1).unsqueeze(0).contiguous();
  };
  return module_->script.forward({batch(a), batch(b)}).toTensor().item<double>();
}

}  // namespace renderfm
