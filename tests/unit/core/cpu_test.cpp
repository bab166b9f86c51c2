#include "renderfm/core/cpu.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "renderfm/core/check.h"
#include "renderfm/core/version.h"

namespace renderfm {
namespace {

class SimdLevelTest : public testing::Test {
 protected:
  void SetUp() override { ::unsetenv("RENDERFM_SIMD"); }
  void TearDown() override { ::unsetenv("RENDERFM_SIMD"); }
};

TEST_F(SimdLevelTest, AgreesWithWhatTheKernelSays) {
  std::ifstream stream("/proc/cpuinfo");
  std::string flags, line;
  while (std::getline(stream, line)) {
    if (line.rfind("flags", 0) == 0) flags = line + " ";
  }
#if defined(__x86_64__)
  ASSERT_FALSE(flags.empty());
#endif
  const auto has = [&](const std::string& flag) { return flags.find(" " + flag + " ") != std::string::npos; };
  const bool avx2 = has("avx2") && has("fma");
  const bool avx512 = avx2 && has("avx512f") && has("avx512bw") && has("avx512dq") && has("avx512vl");
  EXPECT_EQ(detect_simd_level(),
            avx512 ? SimdLevel::kAvx512 : (avx2 ? SimdLevel::kAvx2 : SimdLevel::kBaseline));
}

TEST_F(SimdLevelTest, IsTheDetectedOneUnlessTheEnvironmentForcesALowerOne) {
  EXPECT_EQ(simd_level(), detect_simd_level());
  ::setenv("RENDERFM_SIMD", "", 1);
  EXPECT_EQ(simd_level(), detect_simd_level());
  ::setenv("RENDERFM_SIMD", "baseline", 1);
  EXPECT_EQ(simd_level(), SimdLevel::kBaseline);
}

TEST_F(SimdLevelTest, RefusesWordsItDoesNotKnow) {
  ::setenv("RENDERFM_SIMD", "sse9", 1);
  try {
    simd_level();
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_NE(std::string(error.what()).find("sse9"), std::string::npos);
  }
}

TEST_F(SimdLevelTest, RefusesWhatTheMachineLacks) {
  ::setenv("RENDERFM_SIMD", "avx512", 1);
  if (detect_simd_level() == SimdLevel::kAvx512) {
    EXPECT_EQ(simd_level(), SimdLevel::kAvx512);
  } else {
    EXPECT_THROW(simd_level(), Error);
  }
}

TEST(Version, NamesTheBuildTorchCudaAndTheCpuLevel) {
  const std::string text = version_text("renderfm-infer");
  EXPECT_EQ(text.rfind("renderfm-infer " + std::string(build_info().version), 0), 0U) << text;
  for (const char* part : {"commit ", "torch ", "CUDA ", "ITK ", "CPU level "}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " is not in: " << text;
  }
  EXPECT_FALSE(build_info().commit.empty());
  EXPECT_FALSE(build_info().itk_version.empty());
}

}  // namespace
}  // namespace renderfm
