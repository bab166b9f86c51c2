// SSIM and its gradient against PyTorch's convolution and autograd.
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <torch/autograd.h>
#include <torch/csrc/api/include/torch/serialize.h>
#include <torch/types.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "renderfm/image/ssim.h"

namespace renderfm {
namespace {

TEST(SsimParity, ValueAndGradientEqualPyTorchs) {
  const char* const named = std::getenv("RENDERFM_PYTHON");
  const std::string python = named != nullptr ? named : RENDERFM_SOURCE_DIR "/.venv/bin/python";
  const auto file =
      std::filesystem::path(::testing::TempDir()) / fmt::format("ssim_reference_{}.pt", ::getpid());
  const int status = std::system(fmt::format("'{}' '{}/tests/parity/make_ssim_reference.py' '{}'", python,
                                             RENDERFM_SOURCE_DIR, file.string())
                                     .c_str());
  if (WIFEXITED(status) && (WEXITSTATUS(status) == 77 || WEXITSTATUS(status) == 127)) {
    GTEST_SKIP() << "PyTorch is needed in " << python;
  }
  ASSERT_EQ(status, 0);
  std::ifstream stream(file, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
  stream.close();
  std::filesystem::remove(file);
  const auto reference = torch::pickle_load(bytes).toGenericDict();
  const auto tensor = [&](const char* name) { return reference.at(name).toTensor(); };

  const torch::Tensor image = tensor("image").requires_grad_(true);
  const torch::Tensor value = ssim(image, tensor("target"));
  const torch::Tensor gradient = torch::autograd::grad({value.sum()}, {image})[0];
  EXPECT_LT((value - tensor("value")).abs().max().item<double>(), 1e-12);
  EXPECT_LT((gradient - tensor("gradient")).abs().max().item<double>(),
            1e-11 * tensor("gradient").abs().max().item<double>());
}

}  // namespace
}  // namespace renderfm
