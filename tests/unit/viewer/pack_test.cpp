// What a page carries is what it was given, to within steps that a display does not show.
#include "renderfm/viewer/pack.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "renderfm/core/check.h"
#include "renderfm/raster/rasterize.h"
#include "unit/raster/scenes.h"

namespace renderfm::viewer {
namespace {

TEST(Pack, KeepsThePictureOfGaussiansThatUseAllTheirNumbers) {
  GaussianSet set = raster::test::random_set(3000, 9);
  set.label = torch::arange(3000).remainder(7).to(torch::kUInt8);
  const Vec3d centre{3, -2, 5};
  const PackedGaussians packed = pack(set, centre);
  const GaussianSet back = unpack(packed, set, centre);
  EXPECT_TRUE(torch::equal(back.label, set.label));
  EXPECT_LT((back.position_mm - set.position_mm).abs().max().item<double>(), 1e-3);
  const std::vector<Camera> cameras{orbit_camera({{0, 0, 0}, 32}, 20, 10, 160, 160),
                                    orbit_camera({{0, 0, 0}, 32}, 200, -60, 160, 160)};
  const torch::Tensor error = raster::rasterize(set, cameras).rgb - raster::rasterize(back, cameras).rgb;
  // 40 dB: an error of 1 %, a step of 8 bits being 0.4 %.
  EXPECT_LT(error.pow(2).mean().item<double>(), 1e-4);
}

TEST(Pack, BringsALatticeBackExactlyAndSpendsNothingOnConstants) {
  std::vector<raster::test::Blob> blobs;
  for (int k = 0; k < 4; ++k) {
    for (int j = 0; j < 5; ++j) {
      for (int i = 0; i < 6; ++i) blobs.push_back({.position_mm = {1.5 * i - 100, 1.5 * j, 1.5 * k + 40}});
    }
  }
  const GaussianSet set = raster::test::make_set(blobs);
  const PackedGaussians packed = pack(set, {-97.3, 3.1, 42.2});
  const GaussianSet back = unpack(packed, set, {-97.3, 3.1, 42.2});
  EXPECT_LT((back.position_mm - set.position_mm).abs().max().item<double>(), 2e-5);
  for (std::size_t channel = 3; channel < packed.channels.size(); ++channel) {
    EXPECT_EQ(packed.channels[channel].bits, 0) << channel;
  }
  EXPECT_THROW(pack(set.select(torch::zeros({120}, torch::kBool)), {0, 0, 0}), Error);
}

// The decoder of src/viewer/web/sort_worker.js, written anew.
std::string bytes_from_text(const std::string& text) {
  std::string bytes;
  for (std::size_t at = 0; at < text.size(); at += 5) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 5; ++k) {
      const int code = text[at + k];
      group = group * 85 + static_cast<std::uint32_t>(code > '<' ? code - 36 : code - 35);
    }
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(group >> shift & 0xff);
  }
  return bytes;
}

TEST(TextFromBytes, ComesBackAndEndsNoScript) {
  std::string bytes{'\xff', '\xff', '\xff', '\xff', '\0', '\0', '\0', '\0'};
  for (int k = 0; k < 9999; ++k) bytes += static_cast<char>(k * 2654435761U >> 13);
  const std::string text = text_from_bytes(bytes);
  EXPECT_EQ(text.find('<'), std::string::npos);
  EXPECT_EQ(text.size(), (bytes.size() + 3) / 4 * 5);
  EXPECT_EQ(bytes_from_text(text).substr(0, bytes.size()), bytes);
}

}  // namespace
}  // namespace renderfm::viewer
