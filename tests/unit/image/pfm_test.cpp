#include "renderfm/image/pfm.h"

#include <gtest/gtest.h>
#include <torch/types.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>

#include "renderfm/core/check.h"

namespace renderfm {
namespace {

namespace fs = std::filesystem;

/// As tests/support/check_pfm.py expects.
torch::Tensor ramp(std::int64_t channels) {
  const torch::Tensor c = torch::arange(channels, torch::kFloat32).reshape({-1, 1, 1});
  const torch::Tensor y = torch::arange(5, torch::kFloat32).reshape({1, -1, 1});
  const torch::Tensor x = torch::arange(7, torch::kFloat32).reshape({1, 1, -1});
  return 100 * c + 10 * y + x / 8 - 3;
}

class Pfm : public ::testing::Test {
 protected:
  Pfm() { fs::create_directories(folder_); }
  ~Pfm() override { fs::remove_all(folder_); }
  fs::path file(const std::string& name) const { return folder_ / name; }
  /// The message of a refusal, "" where the file was read.
  std::string refusal(const std::string& bytes) const {
    std::ofstream(file("bad.pfm"), std::ios::binary) << bytes;
    try {
      read_pfm(file("bad.pfm"));
    } catch (const Error& error) {
      return error.kind() == ErrorKind::kBadInput ? error.what() : "";
    }
    return "";
  }
  fs::path folder_ = fs::temp_directory_path() / fmt::format("renderfm_pfm_{}", ::getpid());
};

TEST_F(Pfm, IsReadByOthersAndReadsTheirs) {
  const char* const named = std::getenv("RENDERFM_PYTHON");
  const std::string python = named != nullptr ? named : RENDERFM_SOURCE_DIR "/.venv/bin/python";
  if (std::system((python + " -c 'import numpy, PIL' 2>/dev/null").c_str()) != 0) {
    GTEST_SKIP() << python << " has no numpy or Pillow; scripts/setup.sh --tests brings them";
  }
  write_pfm(ramp(3), file("colour.pfm"));
  write_pfm(ramp(1), file("grey.pfm"));
  ASSERT_EQ(std::system(fmt::format("{} {}/tests/support/check_pfm.py {} {} {}", python, RENDERFM_SOURCE_DIR,
                                    file("colour.pfm").string(), file("grey.pfm").string(),
                                    file("theirs.pfm").string())
                            .c_str()),
            0);
  EXPECT_TRUE(torch::equal(read_pfm(file("theirs.pfm")), ramp(3))) << "big endian, scale +1";
}

TEST_F(Pfm, KeepsEveryBitOfLightAndOfWhatIsNoNumber) {
  torch::Tensor values = ramp(3);
  values[0][0][0] = std::nextafterf(1.0F, 2.0F);
  values[1][4][6] = std::numeric_limits<float>::infinity();
  values[2][2][3] = std::numeric_limits<float>::denorm_min();
  write_pfm(values, file("a.pfm"));
  EXPECT_TRUE(torch::equal(read_pfm(file("a.pfm")), values));
  write_pfm(values.slice(2, 1, 6), file("a.pfm"));
  EXPECT_TRUE(torch::equal(read_pfm(file("a.pfm")), values.slice(2, 1, 6))) << "not contiguous";
}

TEST_F(Pfm, RefusesDamagedFilesInOneSentence) {
  EXPECT_NE(refusal("").find("no PFM"), std::string::npos);
  EXPECT_NE(refusal("P6\n2 2\n255\n            ").find("no PFM"), std::string::npos);
  EXPECT_NE(refusal("Pf\n2 -2\n-1\n" + std::string(16, '\0')).find("no size"), std::string::npos);
  EXPECT_NE(refusal("Pf\n2 2\n0\n" + std::string(16, '\0')).find("byte order"), std::string::npos);
  EXPECT_NE(refusal("Pf\n99999999999999999999 2\n-1\n").find("no size"), std::string::npos);
  EXPECT_NE(refusal("Pf\n2 2\n-1\n" + std::string(15, '\0')).find("cut short"), std::string::npos);
  EXPECT_EQ(refusal("Pf\n2 2\n-1\n" + std::string(16, '\0')), "");
  EXPECT_THROW(read_pfm(file("absent.pfm")), Error);
  EXPECT_THROW(write_pfm(torch::zeros({2, 4, 4}), file("two.pfm")), Error);
  EXPECT_FALSE(fs::exists(file("two.pfm")));
}

}  // namespace
}  // namespace renderfm
