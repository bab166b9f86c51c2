// The network against PyTorch's PlainConvUNet with the same weights.
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <torch/csrc/api/include/torch/serialize.h>
#include <torch/csrc/autograd/grad_mode.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "renderfm/nn/unet3d.h"

namespace renderfm {
namespace {

constexpr int kMissingPackage = 77;

struct Reference {
  std::map<std::string, torch::Tensor> weights;
  torch::Tensor input, output;
};

std::string python() {
  const char* const named = std::getenv("RENDERFM_PYTHON");
  return named != nullptr ? named : RENDERFM_SOURCE_DIR "/.venv/bin/python";
}

// The exit status of the script; `reference` is filled when it is 0.
int make_reference(const std::string& sizes, Reference& reference) {
  const auto file =
      std::filesystem::path(::testing::TempDir()) / fmt::format("unet_reference_{}.pt", ::getpid());
  const std::string command = fmt::format("'{}' '{}/tests/parity/make_unet_reference.py' '{}' {}", python(),
                                          RENDERFM_SOURCE_DIR, file.string(), sizes);
  const int status = std::system(command.c_str());
  if (status != 0) return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  std::ifstream stream(file, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
  stream.close();
  std::filesystem::remove(file);
  const auto root = torch::pickle_load(bytes).toGenericDict();
  for (const auto& entry : root.at("weights").toGenericDict()) {
    reference.weights[entry.key().toStringRef()] = entry.value().toTensor();
  }
  reference.input = root.at("input").toTensor();
  reference.output = root.at("output").toTensor();
  return 0;
}

struct Sizes {
  std::int64_t features, stages;
  std::string shape;
};

class UNetParity : public ::testing::TestWithParam<Sizes> {};

TEST_P(UNetParity, OutputEqualsPlainConvUNetWithTheSameWeights) {
  const Sizes& sizes = GetParam();
  Reference reference;
  const int status =
      make_reference(fmt::format("{} {} {}", sizes.features, sizes.stages, sizes.shape), reference);
  if (status == kMissingPackage || status == 127) {
    GTEST_SKIP() << "PyTorch and dynamic-network-architectures are needed in " << python();
  }
  ASSERT_EQ(status, 0);

  UNet3dConfig config;
  config.base_features = sizes.features;
  config.stages = sizes.stages;
  UNet3d network(config, 1);
  network.load(reference.weights, "reference");
  const auto difference = [&](const torch::Tensor& output) {
    return (output - reference.output).abs().max().item<double>();
  };
  ASSERT_GT(reference.output.abs().max().item<double>(), 0.3);
  // Float32 sums in another order, through up to 18 layers.
  constexpr double kTolerance = 1e-4;
  const double trained = difference(network.forward(reference.input).detach());
  const at::NoGradGuard no_grad;
  const double fast = difference(network.forward(reference.input));
  const torch::Tensor voxels = at::arange(reference.output[0][0].numel() - 1, 0, -3, at::kLong);
  const double rows = (network.infer(reference.input[0], voxels) -
                       reference.output[0].reshape({37, -1}).index_select(1, voxels).t())
                          .abs()
                          .max()
                          .item<double>();
  std::printf("largest difference: differentiable %.1e, fast %.1e, chosen voxels %.1e\n", trained, fast,
              rows);
  EXPECT_LT(trained, kTolerance);
  EXPECT_LT(fast, kTolerance);
  EXPECT_LT(rows, kTolerance);
}

INSTANTIATE_TEST_SUITE_P(, UNetParity,
                         ::testing::Values(Sizes{32, 5, "48 48 48"}, Sizes{16, 4, "32 48 24"},
                                           Sizes{8, 2, "6 10 14"}),
                         [](const auto& test) {
                           return fmt::format("{}Features{}Stages", test.param.features, test.param.stages);
                         });

}  // namespace
}  // namespace renderfm
