#include "renderfm/gaussian/ply.h"

#include <gtest/gtest.h>
#include <torch/types.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "renderfm/core/check.h"
#include "renderfm/gaussian/activate.h"

namespace renderfm {
namespace {

namespace fs = std::filesystem;

class Ply : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / fmt::format("renderfm_ply_{}", ::getpid());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path file(const std::string& name) const { return folder_ / name; }
  static std::string contents(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }
  void expect_refused(const std::string& bytes, const std::string& reason) {
    std::ofstream(file("bad.ply"), std::ios::binary) << bytes;
    try {
      read_ply(file("bad.ply"));
      FAIL() << "accepted; expected: " << reason;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
      EXPECT_NE(std::string(error.what()).find(reason), std::string::npos) << error.what();
    }
  }
  fs::path folder_;
};

GaussianSet random_set(std::int64_t count) {
  torch::manual_seed(7);
  GaussianSet set;
  set.position_mm = torch::randn({count, 3}) * 100;
  set.sh = torch::randn({count, layout::kShCount});
  set.opacity = torch::rand({count}) * 0.98 + 0.01;
  set.direction_mean = torch::randn({count, 3});
  set.chol = torch::randn({count, layout::kCholCount});
  for (int row = 0; row < 6; ++row) {
    set.chol.select(1, layout::chol_index(row, row)).abs_().add_(0.3);
  }
  set.label = torch::randint(0, 118, {count}).to(torch::kUInt8);
  set.label_names = {{5, "liver"}, {52, "aorta"}};
  set.view_sphere = ViewSphere{{1, -2, 3.5}, 250};
  set.transfer_function = "bone";
  set.model = "primed";
  return set;
}

TEST_F(Ply, ReadsBackWhatItWrote) {
  const GaussianSet written = random_set(1000);
  write_ply(written, file("a.ply"));
  const GaussianSet read = read_ply(file("a.ply"));
  ASSERT_EQ(read.size(), 1000);
  EXPECT_TRUE(torch::equal(read.position_mm, written.position_mm));
  EXPECT_TRUE(torch::equal(read.sh, written.sh));
  EXPECT_TRUE(torch::equal(read.direction_mean, written.direction_mean));
  EXPECT_TRUE(torch::equal(read.label, written.label));
  EXPECT_TRUE(torch::allclose(read.opacity, written.opacity, 1e-5, 1e-6));
  // C goes through its principal axes and back: float32 rounding, amplified by the worst condition number.
  EXPECT_TRUE(torch::allclose(read.chol, written.chol, 1e-3, 1e-4))
      << (read.chol - written.chol).abs().max().item<float>();
  EXPECT_EQ(read.label_names, written.label_names);
  EXPECT_EQ(read.transfer_function, "bone");
  EXPECT_TRUE(read.low_pass_compensation);
  ASSERT_TRUE(read.view_sphere);
  EXPECT_DOUBLE_EQ(read.view_sphere->radius_mm, 250);
}

TEST_F(Ply, IsReadByPlyfileAsPlain3dgs) {
  const char* const python = std::getenv("RENDERFM_PYTHON");
  const std::string interpreter = python != nullptr ? python : RENDERFM_SOURCE_DIR "/.venv/bin/python";
  if (std::system((interpreter + " -c 'import plyfile, numpy' 2>/dev/null").c_str()) != 0) {
    GTEST_SKIP() << "needs Python with plyfile and numpy (scripts/setup.sh --tests)";
  }
  const GaussianSet set = random_set(64);
  write_ply(set, file("ours.ply"));
  write_ply(set, file("inria.ply"), PlyFlavor::kInria);
  // The covariance that a 3DGS viewer sees must be C C^T; the script compares with values written beside the
  // file.
  std::ofstream expected(file("expected.txt"));
  const torch::Tensor chol = set.chol.to(torch::kFloat64);
  for (std::int64_t n = 0; n < set.size(); ++n) {
    torch::Tensor c = torch::zeros({3, 3}, torch::kFloat64);
    for (int row = 0; row < 3; ++row) {
      for (int column = 0; column <= row; ++column) c[row][column] = chol[n][layout::c_index(row, column)];
    }
    const torch::Tensor covariance = c.matmul(c.t()).contiguous();
    for (int entry = 0; entry < 9; ++entry) expected << covariance.data_ptr<double>()[entry] << ' ';
    expected << set.opacity[n].item<double>() << ' ' << set.sh[n][1].item<double>() << ' '
             << set.sh[n][3 + 2].item<double>() << '\n';
  }
  expected.close();
  const std::string command =
      fmt::format("{} {} {} {} {}", interpreter, RENDERFM_SOURCE_DIR "/tests/support/check_ply.py",
                  file("ours.ply").string(), file("inria.ply").string(), file("expected.txt").string());
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
}

TEST_F(Ply, AnIsotropicGaussianHasTheIdentityRotation) {
  GaussianSet set = random_set(1);
  set.chol = torch::zeros({1, layout::kCholCount});
  for (int row = 0; row < 6; ++row) set.chol[0][layout::chol_index(row, row)] = 0.9;
  write_ply(set, file("iso.ply"), PlyFlavor::kInria);
  const std::string bytes = contents(file("iso.ply"));
  float rotation[4];
  std::memcpy(rotation, bytes.data() + bytes.size() - sizeof(rotation), sizeof(rotation));
  EXPECT_EQ(rotation[0], 1);
  EXPECT_EQ(rotation[1], 0);
  EXPECT_EQ(rotation[2], 0);
  EXPECT_EQ(rotation[3], 0);
}

TEST_F(Ply, APlainFileIsTheSameFromEverySide) {
  write_ply(random_set(10), file("plain.ply"), PlyFlavor::kInria);
  const GaussianSet read = read_ply(file("plain.ply"));
  EXPECT_EQ(read.direction_mean.abs().max().item<float>(), 0);
  EXPECT_EQ(read.chol[0][layout::a_index(0, 0)].item<float>(), 1e4F);
  EXPECT_EQ(read.chol[0][layout::b_index(2, 1)].item<float>(), 0);
}

TEST_F(Ply, RefusesWhatIsNoGaussianFileWithOneSentence) {
  expect_refused("", "does not begin with 'ply'");
  expect_refused("solid cube", "does not begin with 'ply'");
  expect_refused("ply\nformat ascii 1.0\nend_header\n", "binary_little_endian");
  expect_refused("ply\nformat binary_little_endian 1.0\nelement vertex 5\n", "truncated");
  expect_refused("ply\nformat binary_little_endian 1.0\nelement vertex -3\nproperty float x\nend_header\n",
                 "no vertex count");
  expect_refused("ply\nformat binary_little_endian 1.0\nelement vertex 1\nproperty float x\nend_header\n1234",
                 "'y' is missing");
  expect_refused(
      "ply\nformat binary_little_endian 1.0\nelement vertex 1\nproperty list uchar int a\nend_header\n1234",
      "mesh");
}

TEST_F(Ply, RefusesAHugeVertexCountBeforeAllocating) {
  write_ply(random_set(3), file("a.ply"));
  std::string bytes = contents(file("a.ply"));
  const std::string count = "element vertex 3";
  bytes.replace(bytes.find(count), count.size(), "element vertex 9000000000000000000");
  expect_refused(bytes, "promises 9000000000000000000 Gaussians");
}

TEST_F(Ply, RefusesATruncatedFileAndOneWithNaN) {
  write_ply(random_set(3), file("a.ply"));
  const std::string bytes = contents(file("a.ply"));
  expect_refused(bytes.substr(0, bytes.size() - 1), "truncated");
  std::string poisoned = bytes;
  const float nan = std::nanf("");
  std::memcpy(poisoned.data() + poisoned.size() - 2 * 42 * sizeof(float), &nan, sizeof(nan));
  expect_refused(poisoned, "Gaussian 1");
}

TEST_F(Ply, LeavesNothingBehindWhenAValueCannotBeWritten) {
  GaussianSet set = random_set(3);
  set.sh[1][2] = std::nanf("");
  EXPECT_THROW(write_ply(set, file("a.ply")), Error);
  EXPECT_TRUE(fs::is_empty(folder_));
}

}  // namespace
}  // namespace renderfm
