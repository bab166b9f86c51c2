// The library with NCCL in it, as far as a machine goes: loaded everywhere, started where there is a GPU.
#include "train/nccl.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <torch/csrc/distributed/c10d/HashStore.hpp>

#include <string>
#include <vector>

#include "renderfm/core/check.h"
#include "renderfm/nn/device.h"

namespace renderfm::train {
namespace {

TEST(Nccl, IsLoadedOnRequestAndNotBefore) {
  const auto there = [](const char* library) { return ::dlopen(library, RTLD_NOW | RTLD_NOLOAD) != nullptr; };
  EXPECT_FALSE(there("libtorch_cuda.so")) << "this program links LibTorch's CUDA half";
  std::string reason;
  EXPECT_NE(load_nccl(reason), nullptr) << reason;
  EXPECT_EQ(reason, "");
  EXPECT_TRUE(there("libtorch_cuda.so"));
}

TEST(Nccl, SumsOnAGpuAndSaysInOneSentenceWhereThereIsNone) {
  const bool gpu = pick_device("auto").is_cuda();
  std::string reason;
  MakeNcclGroup* const make = load_nccl(reason);
  ASSERT_NE(make, nullptr) << reason;
  NcclPlace place;
  place.timeout = std::chrono::seconds(60);
  const auto store = c10::make_intrusive<c10d::HashStore>();
  if (gpu) {
    std::vector<torch::Tensor> numbers{
        at::arange(5, torch::TensorOptions(place.device).dtype(torch::kFloat32))};
    start_nccl(make, store, place)->allreduce(numbers)->wait();
    EXPECT_TRUE(torch::equal(numbers[0].cpu(), at::arange(5, torch::kFloat32)));
    return;
  }
  try {
    start_nccl(make, store, place);
    FAIL() << "NCCL started without a GPU";
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("NCCL does not start in process 0 of 1: "), std::string::npos) << text;
    EXPECT_NE(text.find("no GPU"), std::string::npos) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace renderfm::train
