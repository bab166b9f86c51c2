#include "renderfm/image/image_io.h"

#include <gtest/gtest.h>
#include <torch/types.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "renderfm/core/check.h"
#include "renderfm/image/contact_sheet.h"

namespace renderfm {
namespace {

namespace fs = std::filesystem;

class ImageIo : public ::testing::Test {
 protected:
  fs::path file_ = fs::temp_directory_path() / fmt::format("renderfm_image_{}.png", ::getpid());
  void TearDown() override { fs::remove(file_); }
};

TEST_F(ImageIo, ReadsBackEveryByteInItsPlace) {
  // Every channel and pixel differs, and the picture is not square.
  const torch::Tensor bytes = torch::arange(3 * 5 * 7).reshape({3, 5, 7}).mul(2).to(torch::kUInt8);
  write_png(bytes.to(torch::kFloat32) / 255, file_);
  const torch::Tensor read = read_png(file_);
  EXPECT_TRUE(torch::equal((read * 255).round().to(torch::kUInt8), bytes));
}

TEST_F(ImageIo, RoundsToTheNearestByteAndClamps) {
  const torch::Tensor values =
      torch::tensor({-1.0F, 0.4F / 255, 0.6F / 255, 2.0F}).reshape({1, 1, 4}).expand({3, 1, 4});
  write_png(values, file_);
  const torch::Tensor read = (read_png(file_) * 255).round();
  EXPECT_EQ(read[0][0][0].item<int>(), 0);
  EXPECT_EQ(read[0][0][1].item<int>(), 0);
  EXPECT_EQ(read[0][0][2].item<int>(), 1);
  EXPECT_EQ(read[0][0][3].item<int>(), 255);
}

TEST_F(ImageIo, RefusesWhatIsNoPicture) {
  std::ofstream(file_) << "Dear colleague,";
  EXPECT_THROW(read_png(file_), Error);
  EXPECT_THROW(read_png(file_.string() + ".absent"), Error);
}

TEST(ContactSheet, PutsEveryPictureInItsCellWithItsCaption) {
  std::vector<CaptionedImage> images;
  for (int n = 0; n < 5; ++n)
    images.push_back({torch::full({3, 40, 60}, 0.1F * static_cast<float>(n)), "ABC"});
  const torch::Tensor sheet = contact_sheet(images, 3);
  ASSERT_EQ(sheet.sizes(), (torch::IntArrayRef{3, 80, 180}));
  EXPECT_FLOAT_EQ(sheet[0][79][0].item<float>(), 0.3F);    // second row, first column
  EXPECT_FLOAT_EQ(sheet[0][39][179].item<float>(), 0.2F);  // first row, third column
  EXPECT_FLOAT_EQ(sheet[0][79][179].item<float>(), 0.0F);  // no sixth picture
  EXPECT_GT((sheet.slice(1, 0, 20).slice(2, 0, 40) > 0.5).sum().item<int>(), 3 * 20) << "no caption";
}

}  // namespace
}  // namespace renderfm
