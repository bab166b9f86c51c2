// Every metric of the report against programs that we did not write, to 1e-4.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>

#include "renderfm/image/edge_error.h"
#include "renderfm/image/flip.h"
#include "renderfm/image/lpips.h"
#include "renderfm/image/ms_ssim.h"
#include "support/scan_files.h"

namespace renderfm {
namespace {

constexpr std::int64_t kHeight = 176, kWidth = 192;
constexpr double kTolerance = 1e-4;

class Metrics : public ::testing::Test {
 protected:
  void SetUp() override {
    // The interpreter takes seconds to import these, so it is asked once.
    static const bool has_peers = test::python_has("flip_evaluator, lpips, pytorch_msssim, skimage");
    if (!has_peers) {
      GTEST_SKIP() << "needs the Python packages flip-evaluator, lpips, pytorch-msssim and scikit-image";
    }
    static const test::ScanFiles made("make_metric_reference.py");
    ASSERT_TRUE(made.complete());
    files_ = &made;
    a_ = floats("a.f32", {3, kHeight, kWidth});
    b_ = floats("b.f32", {3, kHeight, kWidth});
    std::ifstream stream(file("values.txt"));
    for (std::string name; stream >> name;) stream >> expected_[name];
  }
  std::filesystem::path file(const std::string& name) const { return *files_ / name; }
  torch::Tensor floats(const std::string& name, torch::IntArrayRef shape) const {
    torch::Tensor values = torch::empty(shape);
    std::ifstream(file(name), std::ios::binary)
        .read(static_cast<char*>(values.data_ptr()), static_cast<std::streamsize>(values.nbytes()));
    return values;
  }

  const test::ScanFiles* files_ = nullptr;
  torch::Tensor a_, b_;
  std::map<std::string, double> expected_;
};

TEST_F(Metrics, FlipEqualsTheAuthorsProgramPixelByPixel) {
  const torch::Tensor map = flip_map(a_, b_);
  EXPECT_LT((map - floats("flip.f32", {kHeight, kWidth})).abs().max().item<double>(), kTolerance);
  EXPECT_NEAR(flip(a_, b_), expected_.at("flip"), kTolerance);
  EXPECT_EQ(flip(a_, a_), 0);
}

TEST_F(Metrics, SsimOfWholeWindowsEqualsScikitImage) {
  EXPECT_NEAR(ssim_valid(a_, b_), expected_.at("ssim_valid"), kTolerance);
}

TEST_F(Metrics, MsSsimEqualsPytorchMsssim) {
  EXPECT_NEAR(ms_ssim(a_, b_), expected_.at("ms_ssim"), kTolerance);
  EXPECT_DOUBLE_EQ(ms_ssim(a_, a_), 1);
}

TEST_F(Metrics, EdgeErrorAndForegroundPsnrEqualScikitImage) {
  EXPECT_NEAR(edge_error(a_, b_), expected_.at("edge_error"), kTolerance * expected_.at("edge_error"));
  EXPECT_NEAR(foreground_psnr(b_, a_), expected_.at("foreground_psnr"), kTolerance);
}

TEST_F(Metrics, LpipsEqualsTheAuthorsPackageInBothConventions) {
  const Lpips std_lpips(file("lpips_std.pt")), splat_lpips(file("lpips_3dgs.pt"));
  EXPECT_EQ(std_lpips.name(), "lpips_alex_std_random");
  EXPECT_EQ(splat_lpips.name(), "lpips_alex_3dgs_random");
  // A random backbone's distances are small, so the bound is relative.
  EXPECT_NEAR(std_lpips(a_, b_), expected_.at("lpips_std"), kTolerance * expected_.at("lpips_std"));
  EXPECT_NEAR(splat_lpips(a_, b_), expected_.at("lpips_3dgs"), kTolerance * expected_.at("lpips_3dgs"));
}

TEST(ForegroundPsnr, IsNoNumberWhereTheTargetIsBlack) {
  EXPECT_TRUE(std::isnan(foreground_psnr(torch::ones({3, 4, 4}), torch::zeros({3, 4, 4}))));
}

TEST(Lpips, RefusesAFileThatIsNoNetwork) {
  EXPECT_EQ(test::error_of([] { Lpips("/nowhere/lpips.pt"); }),
            "2 there is no file /nowhere/lpips.pt; scripts/export_lpips.py writes one");
  const test::ScratchFolder folder;
  std::ofstream(folder / "text.pt") << "not a network";
  EXPECT_NE(test::error_of([&] { Lpips(folder / "text.pt"); }).find("is no LPIPS network"),
            std::string::npos);
}

}  // namespace
}  // namespace renderfm
