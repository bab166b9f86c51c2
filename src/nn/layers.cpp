#include "layers.h"

#include <torch/csrc/autograd/custom_function.h>

#include <utility>
#include <vector>

#include "instance_norm.h"
#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/tensor/check_tensor.h"

namespace renderfm::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast3d;
constexpr std::int64_t kRowGrain = 4096;

// One row a voxel.
std::int64_t rows_of(const torch::Tensor& x) { return x.size(2) * x.size(3) * x.size(4); }

torch::Tensor empty_like_map(torch::IntArrayRef shape) {
  return at::empty(shape, at::TensorOptions(at::kFloat).memory_format(kChannelsLast));
}

// Moments of the forward pass, kept by the graph and freed with it.
struct SavedMoments : torch::CustomClassHolder {
  std::vector<Moments> of_image;
};

class NormLeakyRelu : public torch::autograd::Function<NormLeakyRelu> {
 public:
  static torch::Tensor forward(AutogradContext* ctx, const torch::Tensor& x, const torch::Tensor& weight,
                               const torch::Tensor& bias) {
    const std::int64_t count = rows_of(x), channels = x.size(1);
    torch::Tensor y = empty_like_map(x.sizes());
    auto saved = c10::make_intrusive<SavedMoments>();
    for (std::int64_t b = 0; b < x.size(0); ++b) {
      const float* const rows = x.const_data_ptr<float>() + b * count * channels;
      saved->of_image.push_back(channel_moments(rows, count, channels));
      nn::norm_leaky_relu(rows, count, saved->of_image.back(), weight.const_data_ptr<float>(),
                          bias.const_data_ptr<float>(), y.mutable_data_ptr<float>() + b * count * channels);
    }
    ctx->save_for_backward({x, weight, bias});
    ctx->saved_data["moments"] =
        c10::IValue::make_capsule(c10::intrusive_ptr<torch::CustomClassHolder>(std::move(saved)));
    return y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list v_outputs) {
    const variable_list saved = ctx->get_saved_variables();
    const torch::Tensor &x = saved[0], &weight = saved[1], &bias = saved[2];
    const auto capsule = ctx->saved_data["moments"].toCapsule();
    const auto* moments = dynamic_cast<const SavedMoments*>(capsule.get());
    RFM_CHECK(moments != nullptr, "the norm's record of the forward pass is missing");
    const std::int64_t count = rows_of(x), channels = x.size(1);
    const torch::Tensor v_y = v_outputs[0].contiguous(kChannelsLast);
    torch::Tensor v_x = empty_like_map(x.sizes());
    torch::Tensor v_weight = at::zeros({channels}, at::kDouble), v_bias = at::zeros({channels}, at::kDouble);
    for (std::int64_t b = 0; b < x.size(0); ++b) {
      const std::int64_t first = b * count * channels;
      norm_leaky_relu_backward(x.const_data_ptr<float>() + first, count,
                               moments->of_image[static_cast<std::size_t>(b)], weight.const_data_ptr<float>(),
                               bias.const_data_ptr<float>(), v_y.const_data_ptr<float>() + first,
                               v_x.mutable_data_ptr<float>() + first, v_weight.mutable_data_ptr<double>(),
                               v_bias.mutable_data_ptr<double>());
    }
    return {v_x, v_weight.to(at::kFloat), v_bias.to(at::kFloat)};
  }
};

class RowsAt : public torch::autograd::Function<RowsAt> {
 public:
  static torch::Tensor forward(AutogradContext* ctx, const torch::Tensor& x, const torch::Tensor& voxels) {
    const std::int64_t channels = x.size(1), count = voxels.size(0);
    torch::Tensor rows = at::empty({count, channels}, at::kFloat);
    const float* const from = x.const_data_ptr<float>();
    const std::int64_t* const voxel = voxels.const_data_ptr<std::int64_t>();
    float* const to = rows.mutable_data_ptr<float>();
    parallel_for(0, count, kRowGrain, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t n = first; n < last; ++n) {
        std::copy_n(from + voxel[n] * channels, channels, to + n * channels);
      }
    });
    ctx->save_for_backward({voxels});
    ctx->saved_data["shape"] = x.sizes().vec();
    return rows;
  }

  static variable_list backward(AutogradContext* ctx, variable_list v_outputs) {
    const torch::Tensor voxels = ctx->get_saved_variables()[0];
    const torch::Tensor v_rows = v_outputs[0].contiguous();
    torch::Tensor v_x = empty_like_map(ctx->saved_data["shape"].toIntVector()).zero_();
    const std::int64_t channels = v_x.size(1);
    const float* const from = v_rows.const_data_ptr<float>();
    const std::int64_t* const voxel = voxels.const_data_ptr<std::int64_t>();
    float* const to = v_x.mutable_data_ptr<float>();
    for (std::int64_t n = 0; n < voxels.size(0); ++n) {  // one after the other: a voxel may be listed twice
      for (std::int64_t c = 0; c < channels; ++c) to[voxel[n] * channels + c] += from[n * channels + c];
    }
    return {v_x, torch::Tensor()};
  }
};

}  // namespace

torch::Tensor norm_leaky_relu(const torch::Tensor& x, const torch::Tensor& weight,
                              const torch::Tensor& bias) {
  check_tensor(x, "map", {-1, -1, -1, -1, -1}, torch::kFloat32);
  check_tensor(weight, "norm weight", {x.size(1)}, torch::kFloat32);
  check_tensor(bias, "norm bias", {x.size(1)}, torch::kFloat32);
  return NormLeakyRelu::apply(x.contiguous(kChannelsLast), weight, bias);
}

torch::Tensor rows_at(const torch::Tensor& x, const torch::Tensor& voxels) {
  check_tensor(x, "map", {1, -1, -1, -1, -1}, x.scalar_type());
  check_tensor(voxels, "voxel list", {-1}, torch::kInt64);
  if (x.is_cpu() && x.scalar_type() == torch::kFloat32) {
    return RowsAt::apply(x.contiguous(kChannelsLast), voxels.contiguous());
  }
  return x.permute({0, 2, 3, 4, 1}).reshape({-1, x.size(1)}).index_select(0, voxels);
}

}  // namespace renderfm::nn
