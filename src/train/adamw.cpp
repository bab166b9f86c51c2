#include "renderfm/train/adamw.h"

#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <cmath>

#include "renderfm/core/check.h"
#include "renderfm/tensor/check_tensor.h"

namespace renderfm::train {

AdamW::AdamW(UNet3d& network, const OptimizerConfig& config) : config_(config) {
  for (const NamedTensor& parameter : network.parameters()) {
    torch::Tensor weight = parameter.tensor;
    // A bias before an instance norm changes nothing. Its gradient is rounding noise, which Adam would blow
    // up to full steps.
    weight.requires_grad_(!parameter.name.ends_with(".conv.bias"));
    const torch::Tensor start = weight.detach();
    // Biases and norms are not decayed: nothing is gained by pulling them to zero.
    slots_.push_back({parameter.name, weight, at::zeros_like(start), at::zeros_like(start),
                      config.ema_decay > 0 ? start.clone() : torch::Tensor(),
                      start.dim() > 1 ? config.weight_decay : 0.0});
  }
}

void AdamW::zero_gradients() {
  for (Slot& slot : slots_) slot.weight.mutable_grad() = torch::Tensor();
}

double AdamW::gradient_norm() const {
  const at::NoGradGuard no_grad;
  std::vector<torch::Tensor> squares;
  for (const Slot& slot : slots_) {
    if (slot.weight.grad().defined()) squares.push_back(slot.weight.grad().square().sum(torch::kFloat64));
  }
  return squares.empty() ? 0 : std::sqrt(at::stack(squares).sum().item<double>());
}

void AdamW::step(double learning_rate, std::int64_t step, double norm) {
  const at::NoGradGuard no_grad;
  const double scale = norm > config_.clip_norm ? config_.clip_norm / norm : 1;
  const auto count = static_cast<double>(step + 1);
  const double mean_bias = 1 - std::pow(config_.beta1, count);
  const double square_bias = 1 - std::pow(config_.beta2, count);
  // The average forgets its start within the first steps.
  const double decay = std::min(config_.ema_decay, (1 + count) / (10 + count));
  for (Slot& slot : slots_) {
    if (slot.weight.grad().defined()) {
      const torch::Tensor gradient = slot.weight.grad() * scale;
      slot.mean.mul_(config_.beta1).add_(gradient, 1 - config_.beta1);
      slot.square.mul_(config_.beta2).addcmul_(gradient, gradient, 1 - config_.beta2);
      if (slot.decay > 0) slot.weight.mul_(1 - learning_rate * slot.decay);
      const torch::Tensor deviation = (slot.square / square_bias).sqrt_().add_(config_.epsilon);
      slot.weight.addcdiv_(slot.mean, deviation, -learning_rate / mean_bias);
    }
    if (slot.average.defined()) slot.average.mul_(decay).add_(slot.weight, 1 - decay);
  }
}

std::map<std::string, torch::Tensor> AdamW::averaged() const {
  std::map<std::string, torch::Tensor> weights;
  for (const Slot& slot : slots_) {
    weights[slot.name] = slot.average.defined() ? slot.average : slot.weight.detach();
  }
  return weights;
}

void AdamW::save(std::map<std::string, torch::Tensor>& tensors) const {
  for (const Slot& slot : slots_) {
    tensors["live/" + slot.name] = slot.weight.detach();
    tensors["adam_mean/" + slot.name] = slot.mean;
    tensors["adam_square/" + slot.name] = slot.square;
    tensors["weights/" + slot.name] = slot.average.defined() ? slot.average : slot.weight.detach();
  }
}

void AdamW::load(const std::map<std::string, torch::Tensor>& tensors, const std::string& source) {
  const at::NoGradGuard no_grad;
  const auto copy = [&](const std::string& name, torch::Tensor& to) {
    const auto found = tensors.find(name);
    if (found == tensors.end()) {
      fail_input("{} has no \"{}\": it can start a run (--init), but not continue one (--resume)", source,
                 name);
    }
    if (found->second.sizes() != to.sizes()) {
      fail_input("{}: \"{}\" is {}, this run needs {}; the config describes another network", source, name,
                 shape_text(found->second.sizes()), shape_text(to.sizes()));
    }
    to.copy_(found->second);
  };
  for (Slot& slot : slots_) {
    copy("live/" + slot.name, slot.weight);
    copy("adam_mean/" + slot.name, slot.mean);
    copy("adam_square/" + slot.name, slot.square);
    if (slot.average.defined()) copy("weights/" + slot.name, slot.average);
  }
}

}  // namespace renderfm::train
