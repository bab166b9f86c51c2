// Open Image Denoise behind our interface: it denoises, does so reproducibly, and is missed in clear words.
#include "renderfm/image/denoise.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>

#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"

namespace renderfm {
namespace {

constexpr int kSize = 96;

/// A disc of twice the light of white on grey, its edge and albedo known, with noise as of few samples.
struct Picture {
  torch::Tensor clean, noisy, albedo, normal;
};
Picture disc_picture() {
  const torch::Tensor at = (torch::arange(kSize, torch::kFloat32) + 0.5) / kSize - 0.5;
  const torch::Tensor x = at.reshape({1, -1}).expand({kSize, kSize}),
                      y = at.reshape({-1, 1}).expand({kSize, kSize});
  const torch::Tensor inside = ((x * x + y * y).sqrt() < 0.35).to(torch::kFloat32);
  const torch::Tensor tint = torch::tensor({0.9F, 0.6F, 0.4F}).reshape({3, 1, 1});
  Picture p;
  p.albedo = inside * tint + (1 - inside) * 0.3;
  p.clean = p.albedo * (1 + inside + 0.5 * x);
  const torch::Tensor z = (1 - x * x - y * y).sqrt();
  p.normal = torch::stack({x, y, z}) * inside;
  torch::Generator generator = torch::make_generator<torch::CPUGeneratorImpl>(7);
  p.noisy = p.clean * (1 + 0.3 * torch::randn({3, kSize, kSize}, generator, torch::kFloat32)).clamp_min(0);
  return p;
}

double psnr_db(const torch::Tensor& a, const torch::Tensor& b) {
  return -10 * std::log10((a - b).square().mean().item<double>());
}

class SetVariable {
 public:
  SetVariable(const char* name, const std::string& value) : name_(name) {
    if (const char* const old = std::getenv(name)) old_ = old;
    ::setenv(name, value.c_str(), 1);
  }
  ~SetVariable() {
    if (old_) {
      ::setenv(name_, old_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }
  SetVariable(const SetVariable&) = delete;
  SetVariable& operator=(const SetVariable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> old_;
};

class Denoise : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!denoiser_status().available) GTEST_SKIP() << denoiser_status().reason;
  }
  void TearDown() override { set_thread_count(0); }
};

TEST_F(Denoise, TakesMostOfTheNoiseAway) {
  const Picture p = disc_picture();
  const double before = psnr_db(p.noisy, p.clean);
  const double alone = psnr_db(denoise(p.noisy), p.clean);
  const double with_features = psnr_db(denoise(p.noisy, {p.albedo, p.normal}), p.clean);
  EXPECT_GT(alone, before + 8);           // measured 12.9
  EXPECT_GT(with_features, before + 10);  // measured 14.8
  EXPECT_GT(with_features, alone + 1) << "albedo and normal made no difference";
}

TEST_F(Denoise, KeepsAPictureWithoutNoiseAndItsBrightness) {
  const Picture p = disc_picture();
  for (const double exposure : {0.01, 1.0, 100.0}) {
    const torch::Tensor clean = p.clean * exposure;
    const torch::Tensor out = denoise(clean, {p.albedo, p.normal});
    EXPECT_GT(psnr_db(out / exposure, p.clean), 38) << exposure;
    EXPECT_NEAR(out.mean().item<double>() / clean.mean().item<double>(), 1, 0.01) << exposure;
  }
  // Black comes back as a few millionths, which no display shows.
  EXPECT_LT(denoise(torch::zeros({3, 20, 30})).abs().max().item<float>(), 1e-5F);
}

TEST_F(Denoise, GivesTheSameBitsForAnyNumberOfThreads) {
  const Picture p = disc_picture();
  set_thread_count(1);
  const torch::Tensor one = denoise(p.noisy, {p.albedo, p.normal});
  for (const int threads : {1, 2, 5}) {
    set_thread_count(threads);
    EXPECT_TRUE(torch::equal(denoise(p.noisy, {p.albedo, p.normal}), one)) << threads << " threads";
  }
}

TEST_F(Denoise, TakesAnyShapeAndRefusesWhatIsNoPicture) {
  EXPECT_EQ(denoise(torch::rand({3, 1, 1})).sizes(), (torch::IntArrayRef{3, 1, 1}));
  EXPECT_EQ(denoise(torch::rand({3, 7, 61})).sizes(), (torch::IntArrayRef{3, 7, 61}));
  EXPECT_THROW(denoise(torch::rand({1, 8, 8})), Error);
  EXPECT_THROW(denoise(torch::rand({3, 8, 8}), {torch::rand({3, 8, 9}), {}}), Error);
  EXPECT_THROW(denoise(torch::rand({3, 8, 8}), {{}, torch::rand({3, 8, 8})}), Error);
  EXPECT_THROW(denoise(torch::full({3, 8, 8}, std::numeric_limits<float>::quiet_NaN())), Error);
}

TEST_F(Denoise, TheLibraryIsFoundByItsFolderToo) {
  const DenoiserStatus found = denoiser_status();
  const auto folder = std::filesystem::path(found.library).parent_path();
  if (folder.empty()) GTEST_SKIP() << "the system's loader did not say where it found the library";
  const SetVariable named("RENDERFM_OIDN", folder.string());
  EXPECT_TRUE(denoiser_status().available) << denoiser_status().reason;
  EXPECT_EQ(denoiser_status().version, found.version);
}

TEST(DenoiseMissing, IsSaidInOneSentence) {
  const auto expect_reason = [](const std::string& word) {
    const DenoiserStatus status = denoiser_status();
    EXPECT_FALSE(status.available);
    EXPECT_NE(status.reason.find("RENDERFM_OIDN"), std::string::npos) << status.reason;
    EXPECT_NE(status.reason.find(word), std::string::npos) << status.reason;
    try {
      denoise(torch::rand({3, 8, 8}));
      ADD_FAILURE() << "denoised with no library";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kRuntime);
      EXPECT_EQ(status.reason, error.what());
    }
  };
  {
    const SetVariable named("RENDERFM_OIDN", "/nowhere/libOpenImageDenoise.so.2");
    expect_reason("/nowhere/");
  }
  {  // a library, but another one
    const SetVariable named("RENDERFM_OIDN", "libz.so.1");
    expect_reason("oidnNewDevice");
  }
}

}  // namespace
}  // namespace renderfm
