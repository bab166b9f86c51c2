#include "renderfm/nn/unet3d.h"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>
#include <torch/csrc/autograd/variable.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <string>

#include "instance_norm.h"
#include "layers.h"
#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/nn/tensor_pool.h"

namespace renderfm {
namespace {

using Weights = std::map<std::string, torch::Tensor>;

torch::Tensor noise(std::vector<std::int64_t> shape, std::uint64_t seed) {
  return at::randn(shape, at::detail::createCPUGenerator(seed), at::kFloat);
}

UNet3dConfig small_config() {
  UNet3dConfig config;
  config.base_features = 8;
  config.stages = 3;
  return config;
}

Weights weights_of(const UNet3d& network) {
  Weights weights;
  for (const NamedTensor& parameter : network.parameters())
    weights[parameter.name] = parameter.tensor.clone();
  return weights;
}

// A network whose last convolution is not zero.
UNet3d woken_network(const UNet3dConfig& config) {
  UNet3d network(config, 7);
  Weights weights = weights_of(network);
  std::uint64_t seed = 100;
  for (auto& [name, tensor] : weights) {
    if (name.find("seg_layers") != std::string::npos) tensor = noise(tensor.sizes().vec(), ++seed).mul(0.2);
    if (name.ends_with("bias")) tensor = noise(tensor.sizes().vec(), ++seed).mul(0.1);
  }
  network.load(weights, "test");
  return network;
}

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

double max_difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

TEST(UNet3d, Has16Point6MillionWeightsWith32FeaturesFor96Voxels) {
  UNet3dConfig config;
  config.stages = stages_for_patch({96, 96, 96});
  EXPECT_EQ(config.stages, 5);
  // PlainConvUNet counts 16 568 852 of the same sizes, of which 16 687 belong to its three heads for deep
  // supervision: 37 (256 + 128 + 64) weights and 3 x 37 biases.
  EXPECT_EQ(UNet3d(config, 1).parameter_count(), 16568852 - 16687);
}

TEST(UNet3d, DepthFollowsFromTheShortestSideOfThePatch) {
  EXPECT_EQ(stages_for_patch({64, 64, 64}), 4);
  EXPECT_EQ(stages_for_patch({112, 96, 128}), 5);
  EXPECT_EQ(stages_for_patch({192, 192, 192}), 6);
  EXPECT_EQ(stages_for_patch({16, 128, 128}), 2);
}

TEST(UNet3d, UntrainedNetworkChangesNothing) {
  const UNet3d network(small_config(), 3);
  const at::NoGradGuard no_grad;
  const torch::Tensor output = network.forward(noise({1, 6, 16, 8, 12}, 1));
  EXPECT_EQ(output.sizes(), torch::IntArrayRef({1, 37, 16, 8, 12}));
  EXPECT_EQ(output.abs().max().item<float>(), 0.0f);
}

TEST(UNet3d, SeedDecidesTheWeights) {
  const UNet3d a(small_config(), 5), b(small_config(), 5), c(small_config(), 6);
  const torch::Tensor &first = a.parameters()[0].tensor, &again = b.parameters()[0].tensor;
  EXPECT_TRUE(torch::equal(first, again));
  EXPECT_FALSE(torch::equal(first, c.parameters()[0].tensor));
  // He: variance 2 / (1.0001 fan-in); 64 x 27 inputs, 32 x 64 x 27 draws leave 0.6 % of scatter.
  const torch::Tensor& wide = a.parameters()[a.parameters().size() - 10].tensor;
  ASSERT_EQ(wide.dim(), 5) << a.parameters()[a.parameters().size() - 10].name;
  const double expected = 2.0 / (1.0001 * static_cast<double>(wide[0].numel()));
  EXPECT_NEAR(wide.var().item<double>() / expected, 1.0, 0.05);
}

TEST(UNet3d, EveryPathGivesTheSameOutput) {
  const UNet3d network = woken_network(small_config());
  const torch::Tensor input = noise({2, 6, 16, 8, 24}, 2);
  const torch::Tensor with_gradients = network.forward(input);  // LibTorch's own layers
  torch::Tensor fast, rows;
  const torch::Tensor voxels = at::arange(0, 16 * 8 * 24, 5, at::kLong).flip(0);
  {
    const at::NoGradGuard no_grad;
    fast = network.forward(input);
    rows = network.infer(input[1], voxels);
  }
  ASSERT_GT(with_gradients.abs().max().item<double>(), 0.5);
  EXPECT_LT(max_difference(with_gradients, fast), 2e-5);  // float32 through 10 layers
  EXPECT_LT(max_difference(with_gradients[1].reshape({37, -1}).index_select(1, voxels).t(), rows), 2e-5);
}

TEST(UNet3d, ThreadCountDoesNotChangeABit) {
  UNet3dConfig config;
  config.base_features = 16;
  config.stages = 4;
  const UNet3d network = woken_network(config);
  const torch::Tensor input = noise({6, 48, 32, 40}, 4), voxels = at::arange(0, 48 * 32 * 40, at::kLong);
  set_thread_count(1);
  const torch::Tensor alone = network.infer(input, voxels);
  for (const int threads : {2, 3}) {
    set_thread_count(threads);
    EXPECT_TRUE(torch::equal(alone, network.infer(input, voxels))) << threads << " threads";
  }
  set_thread_count(0);
}

TEST(UNet3d, GradientsReachEveryWeightThatCanMatter) {
  UNet3d network = woken_network(small_config());
  for (const NamedTensor& parameter : network.parameters()) {
    torch::Tensor tensor = parameter.tensor;
    tensor.set_requires_grad(true);
  }
  network.forward(noise({1, 6, 8, 8, 8}, 3)).square().mean().backward();
  for (const NamedTensor& parameter : network.parameters()) {
    // The norm that follows takes a convolution's bias away again.
    if (parameter.name.ends_with("conv.bias")) continue;
    ASSERT_TRUE(parameter.tensor.grad().defined()) << parameter.name;
    EXPECT_GT(parameter.tensor.grad().abs().max().item<double>(), 0.0) << parameter.name;
  }
}

TEST(UNet3d, RefusesSidesThatItsStridesDoNotDivide) {
  const UNet3d network(small_config(), 1);
  EXPECT_EQ(
      message_of([&] {
        network.forward(noise({1, 6, 16, 10, 16}, 1));
      }),
      "the network's input is [16, 10, 16] voxels; with 3 stages each side must be a multiple of 4: pad it");
  EXPECT_NE(message_of([&] {
              network.forward(noise({1, 5, 16, 8, 16}, 1));
            }).find("expected [-1, 6, -1, -1, -1]"),
            std::string::npos);
}

TEST(UNet3d, LoadsAStateDictAndNamesWhatDoesNotFit) {
  const UNet3d source = woken_network(small_config());
  UNet3d target(small_config(), 1);
  Weights weights = weights_of(source);
  // As PlainConvUNet lists them: layers twice, the encoder again under the decoder, heads of deep
  // supervision.
  weights["encoder.stages.0.0.convs.0.all_modules.0.weight"] =
      weights.at("encoder.stages.0.0.convs.0.conv.weight");
  weights["decoder.encoder.stages.0.0.convs.0.conv.weight"] =
      weights.at("encoder.stages.0.0.convs.0.conv.weight");
  weights["decoder.seg_layers.0.weight"] = at::zeros({37, 16, 1, 1, 1});
  target.load(weights, "test");
  for (std::size_t i = 0; i < source.parameters().size(); ++i) {
    EXPECT_TRUE(torch::equal(source.parameters()[i].tensor, target.parameters()[i].tensor));
  }

  Weights missing = weights;
  missing.erase("decoder.stages.1.convs.0.norm.bias");
  EXPECT_NE(message_of([&] {
              target.load(missing, "m.pt");
            }).find("m.pt has no weight \"decoder.stages.1.convs.0.norm.bias\""),
            std::string::npos);
  Weights misshapen = weights;
  misshapen["decoder.transpconvs.0.weight"] = at::zeros({32, 8, 2, 2, 2});
  EXPECT_NE(message_of([&] { target.load(misshapen, "m.pt"); }).find("is [32, 8, 2, 2, 2] Float"),
            std::string::npos);
  Weights surplus = weights;
  surplus["encoder.stages.3.0.convs.0.conv.weight"] = at::zeros({1});
  EXPECT_NE(message_of([&] { target.load(surplus, "m.pt"); }).find("holds the weight"), std::string::npos);
}

TEST(UNet3dConfig, ComesFromYamlAndRejectsUnknownKeys) {
  const auto parse = [](const std::string& text) {
    return UNet3dConfig::from(ConfigNode::parse(text, "net.yaml"), {64, 64, 64});
  };
  const UNet3dConfig config = parse("base_features: 16\nmax_features: 100");
  EXPECT_EQ(config.base_features, 16);
  EXPECT_EQ(config.stages, 4);
  EXPECT_EQ(config.features(2), 64);
  EXPECT_EQ(config.features(3), 100);
  EXPECT_NE(message_of([&] { parse("base_feature: 16"); }).find("did you mean 'base_features'"),
            std::string::npos);
  EXPECT_NE(message_of([&] { parse("stages: 40"); }).find("stages is 40"), std::string::npos);
}

TEST(InstanceNorm, MatchesLibTorchEvenFarFromZero) {
  constexpr std::int64_t kRows = 30011, kChannels = 24;
  for (const double mean : {0.0, 1000.0}) {
    torch::Tensor x = noise({kRows, kChannels}, 8).add_(mean);
    const torch::Tensor weight = noise({kChannels}, 9), bias = noise({kChannels}, 10);
    const torch::Tensor precise = x.to(at::kDouble);
    const torch::Tensor centred = precise - precise.mean(0);
    const torch::Tensor expected =
        at::leaky_relu(centred / (centred.square().mean(0) + 1e-5).sqrt() * weight + bias, 0.01);
    torch::Tensor copy = at::full({kRows, 2 * kChannels}, -7.0f);
    nn::norm_leaky_relu(x.data_ptr<float>(), kRows,
                        nn::channel_moments(x.data_ptr<float>(), kRows, kChannels), weight.data_ptr<float>(),
                        bias.data_ptr<float>(), x.data_ptr<float>(), copy.data_ptr<float>() + kChannels,
                        2 * kChannels);
    // x itself is rounded to 6e-5 at 1000; scale and offset are applied in float.
    EXPECT_LT(max_difference(x, expected), mean == 0.0 ? 2e-6 : 5e-4) << "mean " << mean;
    EXPECT_TRUE(torch::equal(copy.narrow(1, kChannels, kChannels), x));
    EXPECT_EQ(copy.narrow(1, 0, kChannels).max().item<float>(), -7.0f);
  }
}

TEST(NormLeakyRelu, GradientsMatchLibTorchInDouble) {
  const auto leaf = [](const torch::Tensor& value) { return value.clone().set_requires_grad(true); };
  // Two images; the rows of one are not a multiple of any block.
  const torch::Tensor x = leaf(noise({2, 24, 5, 13, 31}, 11).mul_(3).add_(2)), weight = leaf(noise({24}, 12)),
                      bias = leaf(noise({24}, 13)), v = noise({2, 24, 5, 13, 31}, 14);
  const torch::Tensor y = nn::norm_leaky_relu(x, weight, bias);
  (y * v).sum().backward();
  const torch::Tensor x2 = leaf(x.detach().to(at::kDouble)), weight2 = leaf(weight.detach().to(at::kDouble)),
                      bias2 = leaf(bias.detach().to(at::kDouble));
  const torch::Tensor y2 = at::leaky_relu(
      at::instance_norm(x2, weight2, bias2, {}, {}, /*use_input_stats=*/true, 0.0, 1e-5, false), 0.01);
  (y2 * v).sum().backward();
  EXPECT_LT(max_difference(y.detach(), y2.detach()), 5e-6);
  EXPECT_LT(max_difference(x.grad(), x2.grad()), 5e-6);
  // Sums of 4030 products of about one.
  EXPECT_LT(max_difference(weight.grad(), weight2.grad()), 2e-3);
  EXPECT_LT(max_difference(bias.grad(), bias2.grad()), 2e-3);
  EXPECT_GT(weight.grad().abs().max().item<double>(), 10);
}

TEST(NormLeakyRelu, ThreadCountDoesNotChangeABitOfTheGradients) {
  const torch::Tensor start = noise({1, 16, 40, 40, 40}, 15), v = noise({1, 16, 40, 40, 40}, 16);
  std::vector<torch::Tensor> first;
  for (const int threads : {1, 2, 3}) {
    set_thread_count(threads);
    const torch::Tensor x = start.clone().set_requires_grad(true),
                        weight = at::full({16}, 0.7f).set_requires_grad(true),
                        bias = at::full({16}, 0.1f).set_requires_grad(true);
    (nn::norm_leaky_relu(x, weight, bias) * v).sum().backward();
    const std::vector<torch::Tensor> gradients{x.grad(), weight.grad(), bias.grad()};
    if (first.empty()) first = gradients;
    for (std::size_t i = 0; i < first.size(); ++i)
      EXPECT_TRUE(torch::equal(first[i], gradients[i])) << threads;
  }
  set_thread_count(0);
}

TEST(UNet3d, TrainedAtVoxelsHasTheGradientsOfTheWholeOutput) {
  UNet3d network = woken_network(small_config());
  for (const NamedTensor& parameter : network.parameters()) {
    torch::Tensor tensor = parameter.tensor;
    tensor.set_requires_grad(true);
  }
  const auto gradients = [&] {
    std::vector<torch::Tensor> result;
    for (const NamedTensor& parameter : network.parameters()) {
      torch::Tensor tensor = parameter.tensor;
      result.push_back(tensor.grad().clone());
      tensor.mutable_grad() = torch::Tensor();
    }
    return result;
  };
  const torch::Tensor input = noise({6, 16, 8, 24}, 2);
  torch::Tensor voxels = at::arange(0, 16 * 8 * 24, 5, at::kLong).flip(0);
  voxels[0] = voxels[1];  // the same voxel twice counts twice
  const torch::Tensor v = noise({voxels.size(0), 37}, 17);
  (network.infer(input, voxels) * v).sum().backward();
  const std::vector<torch::Tensor> at_voxels = gradients();
  (network.forward(input.unsqueeze(0))[0].reshape({37, -1}).index_select(1, voxels).t() * v).sum().backward();
  const std::vector<torch::Tensor> whole = gradients();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    // Rounding noise: the norm takes a convolution's bias away again.
    if (network.parameters()[i].name.ends_with("conv.bias")) continue;
    const double scale = whole[i].abs().max().item<double>() + 1e-3;
    EXPECT_LT(max_difference(at_voxels[i], whole[i]), 1e-4 * scale) << network.parameters()[i].name;
  }
}

TEST(TensorPool, HoldsLittleMoreThanWasEverInUseAtOnce) {
  const auto mib_mapped = [] {
    std::ifstream file("/proc/self/statm");
    std::int64_t pages = 0;
    file >> pages;
    return pages * ::sysconf(_SC_PAGESIZE) >> 20;
  };
  const nn::TensorPoolScope pool;
  const std::int64_t before = mib_mapped();
  // One after the other, none of which fits the next: 1120 MiB if all were kept.
  for (const std::int64_t mib : {100, 140, 200, 280, 400}) at::empty({mib << 18}, at::kFloat);
  EXPECT_LT(mib_mapped() - before, 400 * 5 / 4 + 30);
  EXPECT_GE(mib_mapped() - before, 400);
}

TEST(TensorPool, ReusesMemoryAndLetsTensorsOutliveIt) {
  constexpr std::int64_t kFloats = 4 << 20;
  torch::Tensor survivor;
  {
    const nn::TensorPoolScope pool;
    torch::Tensor first = at::empty({kFloats}, at::kFloat);
    const void* const address = first.data_ptr();
    first.reset();
    survivor = at::ones({kFloats - 1000}, at::kFloat);
    EXPECT_EQ(survivor.data_ptr(), address);
    // Much smaller tensors must not hold a large block.
    torch::Tensor large = at::empty({kFloats}, at::kFloat);
    const void* const other = large.data_ptr();
    large.reset();
    EXPECT_NE(at::empty({kFloats / 2}, at::kFloat).data_ptr(), other);
  }
  EXPECT_EQ(survivor.sum().item<double>(), static_cast<double>(kFloats - 1000));
}

}  // namespace
}  // namespace renderfm
