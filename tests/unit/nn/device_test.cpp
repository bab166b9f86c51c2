#include "renderfm/nn/device.h"

#include <gtest/gtest.h>

#include <string>

#include "renderfm/core/check.h"

namespace renderfm {
namespace {

TEST(Device, UnknownWordIsWrongUsage) {
  try {
    pick_device("gpu");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    EXPECT_STREQ(error.what(), "unknown device 'gpu'; choose auto, cpu or cuda");
  }
}

TEST(Device, AutoAgreesWithCudaAndFallsBackToTheCpu) {
  EXPECT_TRUE(pick_device("cpu").is_cpu());
  try {
    EXPECT_TRUE(pick_device("cuda").is_cuda());
    EXPECT_TRUE(pick_device("auto").is_cuda());
    EXPECT_EQ(torch::ones({2}, pick_device("cuda")).sum().item<float>(), 2.0f);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kRuntime);
    EXPECT_TRUE(std::string(error.what()).starts_with("cannot run on a GPU: ")) << error.what();
    EXPECT_TRUE(pick_device("auto").is_cpu());
  }
}

}  // namespace
}  // namespace renderfm
