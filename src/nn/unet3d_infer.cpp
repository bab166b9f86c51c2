// The output at chosen voxels, and the forward pass for inference on a CPU: channels-last throughout, where
// oneDNN needs no reordering, with the norm and the rectifier fused and every skip written straight into the
// buffer its decoder stage reads.
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <cstdlib>

#include "instance_norm.h"
#include "layers.h"
#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/nn/tensor_pool.h"
#include "renderfm/nn/unet3d.h"
#include "renderfm/tensor/check_tensor.h"

namespace renderfm {
namespace {

constexpr std::int64_t kHeadGrain = 4096;  // voxels

// On Intel's CPUs MKL is part of some convolutions, and their last bits change with the number of threads
// unless it is told before its first use. On AMD's they were the same without.
const bool kStrictProducts = [] {
  __builtin_cpu_init();
  if (__builtin_cpu_is("intel")) ::setenv("MKL_CBWR", "AUTO,STRICT", /*overwrite=*/0);
  return true;
}();

std::int64_t voxel_count(const torch::Tensor& x) { return x.size(2) * x.size(3) * x.size(4); }

}  // namespace

torch::Tensor UNet3d::infer(const torch::Tensor& input, const torch::Tensor& voxels) const {
  check_tensor(input, "network input", {config_.in_channels, -1, -1, -1});
  check_tensor(voxels, "voxel list", {-1}, torch::kInt64);
  check_input(input.sizes().slice(1));
  const std::int64_t count = input[0].numel();
  if (voxels.numel() > 0) {
    const auto least = voxels.min().item<std::int64_t>(), most = voxels.max().item<std::int64_t>();
    RFM_CHECK(least >= 0 && most < count, "voxels {} to {} were asked of a tile of {}", least, most, count);
  }
  const bool trains =
      at::GradMode::is_enabled() && std::any_of(parameters_.begin(), parameters_.end(),
                                                [](const auto& p) { return p.tensor.requires_grad(); });
  if (!trains && input.is_cpu()) {
    const at::NoGradGuard no_grad;
    const nn::TensorPoolScope pool;
    return head_rows(features_cpu(input), voxels);
  }
  const torch::Tensor map = forward_plain(input.unsqueeze(0));
  const torch::Tensor weight = head_weight_.view({config_.out_channels, map.size(1)});
  return at::linear(nn::rows_at(map, voxels.to(map.device())), weight, head_bias_);
}

// [in, d, h, w] -> the last feature map as rows [d * h * w, features].
torch::Tensor UNet3d::features_cpu(const torch::Tensor& input) const {
  at::set_num_threads(thread_count());
  const nn::TensorPoolScope pool;
  const auto format = at::MemoryFormat::ChannelsLast3d;
  // `copy`, where defined, receives the result as the second half of its channels.
  const auto block = [&](const torch::Tensor& in, const Conv& conv, const torch::Tensor& copy) {
    torch::Tensor y = at::conv3d(in, conv.weight, conv.bias, conv.stride, /*padding=*/1).contiguous(format);
    float* copy_rows = copy.defined() ? copy.data_ptr<float>() + y.size(1) : nullptr;
    float* const rows = y.data_ptr<float>();
    nn::norm_leaky_relu(rows, voxel_count(y), nn::channel_moments(rows, voxel_count(y), y.size(1)),
                        conv.norm_weight.data_ptr<float>(), conv.norm_bias.data_ptr<float>(), rows, copy_rows,
                        2 * y.size(1));
    return y;
  };

  torch::Tensor x = input.unsqueeze(0).contiguous(format);
  std::vector<torch::Tensor> skips;  // [1, 2 * features, d, h, w]: room for the upsampled half, then the skip
  for (std::size_t s = 0; s < encoder_.size(); ++s) {
    torch::Tensor skip;
    for (std::size_t c = 0; c < encoder_[s].size(); ++c) {
      if (c + 1 == encoder_[s].size() && s + 1 < encoder_.size()) {
        const std::int64_t stride = encoder_[s].front().stride;
        const std::int64_t halving = c == 0 ? stride : 1;
        skip = at::empty({1, 2 * config_.features(static_cast<std::int64_t>(s)), x.size(2) / halving,
                          x.size(3) / halving, x.size(4) / halving},
                         at::TensorOptions(at::kFloat).memory_format(format));
      }
      x = block(x, encoder_[s][c], skip);
    }
    if (skip.defined()) skips.push_back(std::move(skip));
  }
  for (std::size_t s = 0; s < decoder_.size(); ++s) {
    torch::Tensor both = std::move(skips.back());
    skips.pop_back();
    x = at::conv_transpose3d(x, ups_[s].weight, ups_[s].bias, /*stride=*/2).contiguous(format);
    nn::copy_rows(x.data_ptr<float>(), voxel_count(x), x.size(1), both.data_ptr<float>(), both.size(1));
    x = std::move(both);
    for (const Conv& conv : decoder_[s]) x = block(x, conv, {});
  }
  return x.permute({0, 2, 3, 4, 1}).view({voxel_count(x), x.size(1)});
}

// The last convolution at chosen voxels of rows [count, features], or at all of them: -> [n, out]. Written
// out, because a matrix product of MKL's changes its last bits with the number of threads.
torch::Tensor UNet3d::head_rows(const torch::Tensor& rows, const torch::Tensor& voxels) const {
  const std::int64_t features = rows.size(1), outputs = config_.out_channels;
  const std::int64_t count = voxels.defined() ? voxels.size(0) : rows.size(0);
  const torch::Tensor by_feature = head_weight_.view({outputs, features}).t().contiguous();
  const torch::Tensor chosen = voxels.defined() ? voxels.contiguous() : voxels;
  torch::Tensor result = at::empty({count, outputs}, at::kFloat);
  const float* const row = rows.const_data_ptr<float>();
  const float* const weight = by_feature.const_data_ptr<float>();
  const float* const bias = head_bias_.const_data_ptr<float>();
  const std::int64_t* const voxel = chosen.defined() ? chosen.const_data_ptr<std::int64_t>() : nullptr;
  float* const target = result.mutable_data_ptr<float>();
  parallel_for(0, count, kHeadGrain, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t n = first; n < last; ++n) {
      const float* const x = row + (voxel != nullptr ? voxel[n] : n) * features;
      float* __restrict y = target + n * outputs;
      std::copy(bias, bias + outputs, y);
      for (std::int64_t f = 0; f < features; ++f) {
        const float* __restrict w = weight + f * outputs;
        for (std::int64_t c = 0; c < outputs; ++c) y[c] += x[f] * w[c];
      }
    }
  });
  return result;
}

}  // namespace renderfm
