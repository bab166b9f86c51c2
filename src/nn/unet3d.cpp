// Configuration, parameters and the differentiable forward pass; the one without gradients on a CPU is in
// unet3d_infer.cpp.
#include "renderfm/nn/unet3d.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <cmath>

#include "instance_norm.h"
#include "layers.h"
#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/tensor/check_tensor.h"

namespace renderfm {

std::int64_t UNet3dConfig::features(std::int64_t stage) const {
  return std::min(max_features, base_features << stage);
}

void UNet3dConfig::check() const {
  const auto within = [](const char* name, std::int64_t value, std::int64_t low, std::int64_t high) {
    if (value < low || value > high) {
      fail_input("the network's {} is {}; it must be from {} to {}", name, value, low, high);
    }
  };
  within("in_channels", in_channels, 1, 1024);
  within("out_channels", out_channels, 1, 1024);
  within("base_features", base_features, 1, 1024);
  within("max_features", max_features, base_features, 4096);
  within("stages", stages, 2, 9);
  within("encoder_convs", encoder_convs, 1, 8);
  within("decoder_convs", decoder_convs, 1, 8);
}

UNet3dConfig UNet3dConfig::from(const ConfigNode& node, const std::array<std::int64_t, 3>& patch_zyx) {
  node.check_keys({"in_channels", "out_channels", "base_features", "max_features", "stages", "encoder_convs",
                   "decoder_convs"});
  UNet3dConfig config;
  config.in_channels = node.int_or("in_channels", config.in_channels);
  config.out_channels = node.int_or("out_channels", config.out_channels);
  config.base_features = node.int_or("base_features", config.base_features);
  config.max_features = node.int_or("max_features", config.max_features);
  config.stages = node.int_or("stages", stages_for_patch(patch_zyx));
  config.encoder_convs = node.int_or("encoder_convs", config.encoder_convs);
  config.decoder_convs = node.int_or("decoder_convs", config.decoder_convs);
  config.check();
  return config;
}

std::int64_t stages_for_patch(const std::array<std::int64_t, 3>& patch_zyx) {
  constexpr std::int64_t kShortestSide = 6;
  std::int64_t side = *std::min_element(patch_zyx.begin(), patch_zyx.end()), stages = 1;
  while (side % 2 == 0 && side / 2 >= kShortestSide) {
    side /= 2;
    ++stages;
  }
  return std::max<std::int64_t>(2, stages);
}

UNet3d::UNet3d(const UNet3dConfig& config, std::uint64_t seed) : config_(config) {
  config_.check();
  const at::NoGradGuard no_grad;
  at::Generator generator = at::detail::createCPUGenerator(seed);

  const auto add = [&](const std::string& name, torch::Tensor tensor) {
    parameters_.push_back({name, std::move(tensor)});
  };
  // Deviation sqrt(2 / ((1 + slope²) · fan-in)) keeps the variance through leaky ReLUs (He et al. 2015).
  const auto add_weight = [&](const std::string& name, torch::IntArrayRef shape, std::int64_t fan_in) {
    const double deviation =
        std::sqrt(2.0 / ((1.0 + nn::kLeakySlope * nn::kLeakySlope) * static_cast<double>(fan_in)));
    // Drawn in C order, so that the seed means the same weights whatever the memory layout.
    torch::Tensor weight = at::randn(shape, generator, at::kFloat).mul_(deviation);
    add(name, weight.contiguous(at::MemoryFormat::ChannelsLast3d));
  };
  const auto add_block = [&](const std::string& prefix, std::int64_t in, std::int64_t out) {
    add_weight(prefix + "conv.weight", {out, in, 3, 3, 3}, in * 27);
    add(prefix + "conv.bias", at::zeros({out}, at::kFloat));
    add(prefix + "norm.weight", at::ones({out}, at::kFloat));
    add(prefix + "norm.bias", at::zeros({out}, at::kFloat));
  };

  const std::int64_t stages = config_.stages;
  for (std::int64_t s = 0; s < stages; ++s) {
    for (std::int64_t c = 0; c < config_.encoder_convs; ++c) {
      const std::int64_t below = s == 0 ? config_.in_channels : config_.features(s - 1);
      add_block(fmt::format("encoder.stages.{}.0.convs.{}.", s, c), c == 0 ? below : config_.features(s),
                config_.features(s));
    }
  }
  for (std::int64_t s = 0; s + 1 < stages; ++s) {
    const std::int64_t out = config_.features(stages - 2 - s), in = config_.features(stages - 1 - s);
    // Stride equals kernel size: each output voxel sees one input voxel.
    add_weight(fmt::format("decoder.transpconvs.{}.weight", s), {in, out, 2, 2, 2}, in);
    add(fmt::format("decoder.transpconvs.{}.bias", s), at::zeros({out}, at::kFloat));
    for (std::int64_t c = 0; c < config_.decoder_convs; ++c) {
      add_block(fmt::format("decoder.stages.{}.convs.{}.", s, c), c == 0 ? 2 * out : out, out);
    }
  }
  const std::string head = fmt::format("decoder.seg_layers.{}.", stages - 2);
  add(head + "weight", at::zeros({config_.out_channels, config_.features(0), 1, 1, 1}, at::kFloat));
  add(head + "bias", at::zeros({config_.out_channels}, at::kFloat));
  bind();
}

// Walks parameters_ in the order in which the constructor made them.
void UNet3d::bind() {
  std::size_t next = 0;
  const auto take = [&] { return parameters_[next++].tensor; };
  const auto take_block = [&](std::int64_t stride) {
    Conv conv;
    conv.weight = take();
    conv.bias = take();
    conv.norm_weight = take();
    conv.norm_bias = take();
    conv.stride = stride;
    return conv;
  };
  encoder_.assign(static_cast<std::size_t>(config_.stages), {});
  decoder_.assign(static_cast<std::size_t>(config_.stages - 1), {});
  ups_.clear();
  for (std::size_t s = 0; s < encoder_.size(); ++s) {
    for (std::int64_t c = 0; c < config_.encoder_convs; ++c) {
      encoder_[s].push_back(take_block(s > 0 && c == 0 ? 2 : 1));
    }
  }
  for (auto& stage : decoder_) {
    Up up;
    up.weight = take();
    up.bias = take();
    ups_.push_back(up);
    for (std::int64_t c = 0; c < config_.decoder_convs; ++c) stage.push_back(take_block(1));
  }
  head_weight_ = take();
  head_bias_ = take();
}

std::int64_t UNet3d::parameter_count() const {
  std::int64_t count = 0;
  for (const NamedTensor& parameter : parameters_) count += parameter.tensor.numel();
  return count;
}

void UNet3d::load(const std::map<std::string, torch::Tensor>& weights, const std::string& source) {
  const at::NoGradGuard no_grad;
  for (const NamedTensor& parameter : parameters_) {
    const auto found = weights.find(parameter.name);
    if (found == weights.end()) {
      fail_input("{} has no weight \"{}\", which this network of {} stages and {} features needs", source,
                 parameter.name, config_.stages, config_.base_features);
    }
    const torch::Tensor& given = found->second;
    if (given.sizes() != parameter.tensor.sizes() || !given.is_floating_point()) {
      fail_input("{}: weight \"{}\" is {} {}, this network needs {} Float", source, parameter.name,
                 shape_text(given.sizes()), torch::toString(given.scalar_type()),
                 shape_text(parameter.tensor.sizes()));
    }
  }
  for (const auto& [name, tensor] : weights) {
    // PlainConvUNet lists the encoder again under its decoder and each layer again under all_modules.
    if (name.find(".all_modules.") != std::string::npos || name.starts_with("decoder.encoder.") ||
        name.starts_with("decoder.seg_layers.")) {
      continue;
    }
    if (std::none_of(parameters_.begin(), parameters_.end(),
                     [&](const NamedTensor& p) { return p.name == name; })) {
      fail_input("{} holds the weight \"{}\", which this network of {} stages and {} features lacks", source,
                 name, config_.stages, config_.base_features);
    }
  }
  for (NamedTensor& parameter : parameters_) parameter.tensor.copy_(weights.at(parameter.name));
}

void UNet3d::to(torch::Device device) {
  const at::NoGradGuard no_grad;
  for (NamedTensor& parameter : parameters_) {
    const bool trained = parameter.tensor.requires_grad();
    parameter.tensor = parameter.tensor.to(device).detach().set_requires_grad(trained);
  }
  bind();
}

void UNet3d::check_input(torch::IntArrayRef sides) const {
  const std::int64_t multiple = config_.side_multiple();
  for (const std::int64_t side : sides) {
    RFM_CHECK(side > 0 && side % multiple == 0,
              "the network's input is {} voxels; with {} stages each side must be a multiple of {}: pad it",
              shape_text(sides), config_.stages, multiple);
  }
  // At one voxel per channel there is no variance to divide by.
  RFM_CHECK(sides[0] * sides[1] * sides[2] > multiple * multiple * multiple,
            "the network's input of {} voxels shrinks to a single one after {} stages: take a larger patch",
            shape_text(sides), config_.stages);
}

torch::Tensor UNet3d::forward(const torch::Tensor& input) const {
  check_tensor(input, "network input", {-1, config_.in_channels, -1, -1, -1});
  check_input(input.sizes().slice(2));
  if (at::GradMode::is_enabled() || !input.is_cpu()) {
    return at::conv3d(forward_plain(input), head_weight_, head_bias_);
  }

  const std::int64_t voxels = input.size(2) * input.size(3) * input.size(4);
  torch::Tensor output = at::empty(
      {input.size(0), config_.out_channels, input.size(2), input.size(3), input.size(4)}, at::kFloat);
  for (std::int64_t b = 0; b < input.size(0); ++b) {
    output[b].view({config_.out_channels, voxels}).copy_(head_rows(features_cpu(input[b]), {}).t());
  }
  return output;
}

// All but the last convolution, on any device and with gradients: [B, in, D, H, W] -> [B, features, D, H, W].
torch::Tensor UNet3d::forward_plain(torch::Tensor x) const {
  if (x.is_cpu()) {
    at::set_num_threads(thread_count());
    x = x.contiguous(at::MemoryFormat::ChannelsLast3d);
  }
  const auto block = [](const torch::Tensor& in, const Conv& conv) {
    torch::Tensor y = at::conv3d(in, conv.weight, conv.bias, conv.stride, /*padding=*/1);
    if (y.is_cpu() && y.scalar_type() == torch::kFloat32) {
      return nn::norm_leaky_relu(y, conv.norm_weight, conv.norm_bias);
    }
    y = at::instance_norm(y, conv.norm_weight, conv.norm_bias, {}, {}, /*use_input_stats=*/true,
                          /*momentum=*/0.0, nn::kNormEps, /*cudnn_enabled=*/true);
    return at::leaky_relu_(y, nn::kLeakySlope);
  };
  std::vector<torch::Tensor> skips;
  for (const auto& stage : encoder_) {
    for (const Conv& conv : stage) x = block(x, conv);
    skips.push_back(x);
  }
  skips.pop_back();
  for (std::size_t s = 0; s < decoder_.size(); ++s) {
    x = at::conv_transpose3d(x, ups_[s].weight, ups_[s].bias, /*stride=*/2);
    x = at::cat({x, skips.back()}, 1);
    skips.pop_back();
    for (const Conv& conv : decoder_[s]) x = block(x, conv);
  }
  return x;
}

}  // namespace renderfm
