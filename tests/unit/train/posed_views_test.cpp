#include "renderfm/train/posed_views.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <fstream>

#include "renderfm/image/image_io.h"
#include "renderfm/view/cameras_json.h"
#include "support/scan_files.h"

namespace renderfm {
namespace {

namespace fs = std::filesystem;

Camera camera_of(int width, int height) { return orbit_camera({{0, 0, 0}, 100}, 20, 10, width, height); }

/// A PNG of one colour, by hand: stb writes no 16-bit ones.
std::string png(std::uint32_t width, std::uint32_t height, char bits, char color_type,
                const std::string& pixel) {
  const auto big_endian = [](std::uint32_t v) {
    return std::string{static_cast<char>(v >> 24), static_cast<char>(v >> 16), static_cast<char>(v >> 8),
                       static_cast<char>(v)};
  };
  const auto chunk = [&](const std::string& type, const std::string& data) {
    const std::string body = type + data;
    const auto crc = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
    return big_endian(static_cast<std::uint32_t>(data.size())) + body +
           big_endian(static_cast<std::uint32_t>(crc));
  };
  std::string lines;
  for (std::uint32_t y = 0; y < height; ++y) {
    lines += '\0';
    for (std::uint32_t x = 0; x < width; ++x) lines += pixel;
  }
  uLongf size = compressBound(lines.size());
  std::string packed(size, '\0');
  compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(lines.data()),
           lines.size());
  packed.resize(size);
  return "\x89PNG\r\n\x1a\n" +
         chunk("IHDR", big_endian(width) + big_endian(height) + bits + color_type + std::string(3, '\0')) +
         chunk("IDAT", packed) + chunk("IEND", "");
}

class PosedViews : public ::testing::Test {
 protected:
  void write(const std::string& name, int frames, int width = 8, int height = 6) {
    std::vector<NamedCamera> cameras;
    for (int n = 0; n < frames; ++n) {
      cameras.push_back({camera_of(width, height), fmt::format("{:03}", n)});
      write_png(torch::full({3, height, width}, n / 255.0), folder_ / fmt::format("{:03}.png", n));
    }
    write_cameras_json(cameras, folder_ / name);
  }
  void put(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }
  std::string error() {
    return test::error_of([&] { read_view_split(folder_ / ""); });
  }
  test::ScratchFolder folder_;
};

TEST_F(PosedViews, AreReadWithTheirPicturesAndSplitWhereNoTestViewsAreGiven) {
  write("transforms.json", 10);
  const ViewSplit split = read_view_split(folder_ / "");
  ASSERT_EQ(split.train.size(), 8U);
  ASSERT_EQ(split.held_out.size(), 2U);
  EXPECT_FALSE(split.test_views_given);
  EXPECT_EQ(split.held_out[0].name, "002");
  EXPECT_NEAR(split.held_out[0].srgb[1][3][3].item<double>(), 2 / 255.0, 1e-6);
  EXPECT_NEAR(split.held_out[0].camera.position_mm.x, camera_of(8, 6).position_mm.x, 1e-9);

  write("transforms_train.json", 5);
  write("transforms_test.json", 3);
  const ViewSplit given = read_view_split(folder_ / "");
  EXPECT_EQ(given.train.size(), 5U);
  EXPECT_EQ(given.held_out.size(), 3U);
  EXPECT_TRUE(given.test_views_given);
}

TEST_F(PosedViews, OfOneAloneNothingCanBeHeldOut) {
  write("transforms.json", 1);
  const ViewSplit split = read_view_split(folder_ / "");
  EXPECT_EQ(split.train.size(), 1U);
  EXPECT_EQ(split.held_out.size(), 1U);
}

TEST_F(PosedViews, KeepSixteenBitsAndLieOnBlackWhereTransparent) {
  write("transforms.json", 2);
  // Big endian: 0x8001, 0x0100, 0xFFFF.
  put("000.png", png(8, 6, 16, 2, std::string("\x80\x01\x01\x00\xFF\xFF", 6)));
  put("001.png", png(8, 6, 8, 6, std::string("\xFF\x80\x00\x80", 4)));
  const std::vector<PosedView> views = read_posed_views(folder_ / "transforms.json");
  EXPECT_NEAR(views[0].srgb[0][0][0].item<double>(), 0x8001 / 65535.0, 1e-7);
  EXPECT_NEAR(views[0].srgb[1][0][0].item<double>(), 0x0100 / 65535.0, 1e-7);
  EXPECT_EQ(views[0].srgb[2][5][7].item<double>(), 1);
  EXPECT_NEAR(views[1].srgb[0][0][0].item<double>(), 128 / 255.0, 1e-6);
  EXPECT_NEAR(views[1].srgb[1][0][0].item<double>(), 128 / 255.0 * 128 / 255.0, 1e-6);
  EXPECT_FALSE(read_picture(folder_ / "000.png").had_alpha);
  EXPECT_TRUE(read_picture(folder_ / "001.png").had_alpha);
}

TEST_F(PosedViews, SayWhatIsMissingOrDoesNotFit) {
  EXPECT_NE(error().find("has no cameras"), std::string::npos) << error();
  write("transforms.json", 6);
  for (const char* name : {"001.png", "003.png", "004.png", "005.png"}) fs::remove(folder_ / name);
  EXPECT_NE(error().find("4 of 6 frames have no picture"), std::string::npos) << error();
  EXPECT_NE(error().find("003.png"), std::string::npos) << error();
  EXPECT_NE(error().find("and 1 more"), std::string::npos) << error();

  write("transforms.json", 3);
  write_png(torch::zeros({3, 6, 9}), folder_ / "002.png");
  EXPECT_NE(error().find("002.png is 9 x 6 pixels, its camera"), std::string::npos) << error();

  write("transforms.json", 2);
  write_cameras_json({{camera_of(8, 6), "000"}, {camera_of(10, 6), "001"}}, folder_ / "transforms.json");
  write_png(torch::zeros({3, 6, 10}), folder_ / "001.png");
  EXPECT_NE(error().find("all views must have one size"), std::string::npos) << error();
  put("transforms.json", "{\"frames\": [");
  EXPECT_NE(error().find("is no transforms.json"), std::string::npos) << error();
}

}  // namespace
}  // namespace renderfm
