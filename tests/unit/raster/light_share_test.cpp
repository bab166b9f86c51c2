#include "renderfm/raster/light_share.h"

#include <gtest/gtest.h>

#include "renderfm/core/check.h"
#include "renderfm/raster/rasterize.h"
#include "unit/raster/scenes.h"

namespace renderfm::raster {
namespace {

using test::Blob;

// What all Gaussians add to a pixel is its opacity.
TEST(DrawnWeight, AddsUpToTheOpacityOfThePictures) {
  const GaussianSet set = test::random_set(300, 5);
  const Camera camera = test::plain_camera(48, 40);
  Camera turned = camera;
  turned.position_mm = {1, 0.5, -2};
  const torch::Tensor alpha = rasterize(set, {camera, turned}).alpha;
  const torch::Tensor weight = drawn_weight(set, {camera, turned});
  ASSERT_EQ(weight.sizes(), set.opacity.sizes());
  EXPECT_GE(weight.min().item<double>(), 0);
  EXPECT_NEAR(weight.sum().item<double>(), alpha.sum().item<double>(), 1e-4 * alpha.sum().item<double>());
  EXPECT_FALSE(set.sh.requires_grad());
}

TEST(DrawnWeight, IsTheOpacityTimesTheTransmittanceBefore) {
  const Blob front{.position_mm = {0, 0, 10}, .scale_mm = 0.5, .opacity = 0.5};
  const Blob behind{.position_mm = {0, 0, 20}, .scale_mm = 1.0, .opacity = 0.5};  // as wide in the picture
  const Camera camera = test::plain_camera();
  const auto of = [&](const std::vector<Blob>& blobs) {
    return drawn_weight(test::make_set(blobs), {camera});
  };
  const double alone = of({behind})[0].item<double>();
  const torch::Tensor both = of({front, behind});
  EXPECT_NEAR(both[0].item<double>(), alone, 1e-3 * alone);
  EXPECT_LT(both[1].item<double>(), 0.8 * alone);
  EXPECT_GT(both[1].item<double>(), 0.5 * alone);
}

TEST(DrawnWeight, IsNothingBehindAWallAndOutOfSight) {
  std::vector<Blob> blobs(6, Blob{.position_mm = {0, 0, 10}, .scale_mm = 3, .opacity = 0.98});
  blobs.push_back({.position_mm = {0, 0, 30}});
  blobs.push_back({.position_mm = {0, 0, -10}});
  const torch::Tensor weight = drawn_weight(test::make_set(blobs), {test::plain_camera()});
  EXPECT_GT(weight[0].item<double>(), 1);
  EXPECT_EQ(weight[6].item<double>(), 0);
  EXPECT_EQ(weight[7].item<double>(), 0);
}

TEST(AllButShare, LeavesOutTheSmallestThatTheShareAllows) {
  const torch::Tensor weight = torch::tensor({5.0, 0.0, 1.0, 2.0, 2.0}, torch::kFloat32);
  const auto kept = [&](double share) { return all_but_share(weight, share); };
  const auto mask = [](std::initializer_list<bool> values) {
    return torch::tensor(std::vector<int>(values.begin(), values.end())).to(torch::kBool);
  };
  EXPECT_TRUE(torch::equal(kept(0), mask({true, false, true, true, true})));
  EXPECT_TRUE(torch::equal(kept(0.1), mask({true, false, false, true, true})));
  EXPECT_TRUE(torch::equal(kept(0.29), mask({true, false, false, true, true})));
  EXPECT_TRUE(torch::equal(kept(0.5), mask({true, false, false, false, false})));
  EXPECT_FALSE(all_but_share(torch::zeros({3}), 0.1).any().item<bool>());
  EXPECT_THROW(kept(1), Error);
}

}  // namespace
}  // namespace renderfm::raster
