// Samples: turning a scene changes nothing that can be seen, order and threads change nothing at all.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <set>
#include <stdexcept>

#include "renderfm/gaussian/activate.h"
#include "renderfm/train/loader.h"
#include "renderfm/train/losses.h"
#include "renderfm/train/sample_order.h"
#include "unit/train/small_scene.h"

namespace renderfm::train {
namespace {

double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

TEST(Turned, SceneGivesTheTurnedPicturesForAllFortyEightOrientations) {
  TrainingSample sample = test::small_scene(1, 2);
  const raster::RenderOutput drawn = draw_all(sample.start, sample, sample.train.cameras);
  sample.train.rgb = drawn.rgb;
  sample.train.alpha = drawn.alpha;
  sample.train.depth_mm = drawn.depth;
  ASSERT_GT(sample.train.rgb.std().item<double>(), 0.05);
  const torch::Tensor before = sample.input.reshape({6, -1}).index_select(1, sample.voxels);
  const double farthest_mm = drawn.depth.max().item<double>();
  int mirrored = 0;
  for (int order = 0; order < 6; ++order) {
    for (int signs = 0; signs < 8; ++signs) {
      constexpr int kOrders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
      Orientation orientation;
      for (int axis = 0; axis < 3; ++axis) {
        orientation.from[axis] = kOrders[order][axis];
        orientation.reversed[axis] = (signs >> axis & 1) != 0;
      }
      const TrainingSample now = turned(sample, orientation);
      // The network reads the same values at the same Gaussians.
      EXPECT_TRUE(torch::equal(now.input.reshape({6, -1}).index_select(1, now.voxels), before));
      // Rounding alone differs: positions in float are a different number of mm from the camera.
      const raster::RenderOutput turned_drawn = draw_all(now.start, now, now.train.cameras);
      EXPECT_LT(largest_difference(turned_drawn.rgb, now.train.rgb), 2e-4)
          << "order " << order << " signs " << signs;
      EXPECT_LT(largest_difference(turned_drawn.alpha, now.train.alpha), 2e-4);
      EXPECT_LT(largest_difference(turned_drawn.depth, now.train.depth_mm), 2e-4 * farthest_mm);
      for (const Camera& camera : now.train.cameras) EXPECT_NEAR(determinant(camera.rotation), 1, 1e-12);
      mirrored += orientation.mirrors();
    }
  }
  EXPECT_EQ(mirrored, 24);
}

TEST(Turned, WorksForGridsAndVoxelsThatAreNotCubes) {
  TrainingSample sample = test::small_scene(0, 1);
  sample.input = sample.input.narrow(1, 0, 14).contiguous();
  sample.spacing_xyz_mm = {1, 2, 3};
  Orientation orientation{{2, 0, 1}, {true, false, false}};
  const TrainingSample now = turned(sample, orientation);
  EXPECT_EQ(now.input.sizes(), (torch::IntArrayRef{6, 16, 16, 14}));
  EXPECT_EQ(now.spacing_xyz_mm.x, 3);
  EXPECT_TRUE(torch::equal(now.input.reshape({6, -1}).index_select(1, now.voxels),
                           sample.input.reshape({6, -1}).index_select(1, sample.voxels)));
}

TEST(DrawOrientation, TurnsNothingUnderLightFromOneSideAndMirrorsOnlyWhenAsked) {
  TrainingSample sample;
  AugmentConfig config;
  Pcg32 random = Pcg32::from(1, 2);
  sample.uniform_light = false;
  for (int n = 0; n < 20; ++n) EXPECT_TRUE(draw_orientation(config, sample, random).identity());
  sample.uniform_light = true;
  config.flips = false;
  std::set<std::array<int, 3>> orders;
  for (int n = 0; n < 100; ++n) {
    const Orientation orientation = draw_orientation(config, sample, random);
    EXPECT_FALSE(orientation.mirrors());
    orders.insert(orientation.from);
  }
  EXPECT_EQ(orders.size(), 6U);
  config.flips = true;
  sample.spacing_xyz_mm = {1, 1, 3};  // a quarter turn would change the voxels' shape
  for (int n = 0; n < 20; ++n) {
    EXPECT_EQ(draw_orientation(config, sample, random).from, (std::array<int, 3>{0, 1, 2}));
  }
}

TEST(DrawSample, FollowsFromItsSeedAndLeavesTheTransferFunctionsChannelsAlone) {
  const TrainingSample whole = test::small_scene(2, 4);
  AugmentConfig config;
  config.flips = config.rotations = false;
  const TrainingSample a = draw_sample(whole, 2, config, 1000, 7), b = draw_sample(whole, 2, config, 1000, 7);
  const TrainingSample other = draw_sample(whole, 2, config, 1000, 8);
  EXPECT_TRUE(torch::equal(a.input, b.input));
  EXPECT_TRUE(torch::equal(a.train.rgb, b.train.rgb));
  EXPECT_FALSE(torch::equal(a.input, other.input));
  EXPECT_EQ(a.train.rgb.size(0), 2);
  EXPECT_TRUE(torch::equal(a.input.slice(0, 1), whole.input.slice(0, 1)));
  const torch::Tensor change = a.input[0] - whole.input[0];
  EXPECT_NEAR(change.std().item<double>(), 0.01, 0.002);  // noise of 10 HU
  EXPECT_LT(std::abs(change.mean().item<double>()), 0.05);
}

TEST(DrawSample, KeepsEachViewsMapsBesideItsPicture) {
  TrainingSample whole = test::small_scene(2, 4);
  whole.train.rgb = whole.train.rgb.mul(255).round().to(torch::kUInt8);
  whole.train.alpha = whole.train.rgb.select(1, 0);
  whole.train.depth_mm = whole.train.alpha.to(torch::kFloat32) * 10;
  const TrainingSample sample = draw_sample(whole, 3, {}, 1000, 11);
  EXPECT_TRUE(torch::equal(sample.train.alpha, sample.train.rgb.select(1, 0)));
  EXPECT_LT(largest_difference(sample.train.depth_mm, sample.train.alpha * 2550), 1e-3);
}

TEST(MapLoss, EqualsTheSumByHand) {
  // One view of two by two pixels: as it should be, half as dense and 30 mm behind, nothing drawn, no target.
  const torch::Tensor alpha = torch::tensor({0.8F, 0.4F, 0.0F, 0.5F}).reshape({1, 2, 2});
  const torch::Tensor depth = torch::tensor({80.0F, 0.4F * 130, 0.0F, 45.0F}).reshape({1, 2, 2});
  const torch::Tensor target_alpha = torch::tensor({0.8F, 0.8F, 1.0F, 0.0F}).reshape({1, 2, 2});
  const torch::Tensor target_depth = torch::tensor({100.0F, 100.0F, 90.0F, 0.0F}).reshape({1, 2, 2});
  LossConfig weights;
  weights.alpha = 2;
  weights.depth = 10;
  const MapLoss loss = map_loss(alpha, depth, target_alpha, target_depth, 60, weights);
  const double alpha_error = (0.0 + 0.4 + 1.0 + 0.5) / 4, depth_error = 0.4 * 30 / 60 / 4;
  EXPECT_NEAR(loss.alpha.item<double>(), alpha_error, 1e-6);
  EXPECT_NEAR(loss.depth.item<double>(), depth_error, 1e-6);
  EXPECT_NEAR(loss.total.item<double>(), 2 * alpha_error + 10 * depth_error, 1e-5);
}

TEST(SampleOrder, EveryEpochHasEveryCaseOnceInAnOrderOfItsOwn) {
  SampleOrder order(3, 50), again(3, 50);
  std::vector<std::int64_t> first, second;
  for (std::int64_t n = 0; n < 100; ++n) (n < 50 ? first : second).push_back(order.at(n).index);
  EXPECT_EQ(std::set<std::int64_t>(first.begin(), first.end()).size(), 50U);
  EXPECT_EQ(std::set<std::int64_t>(second.begin(), second.end()).size(), 50U);
  EXPECT_NE(first, second);
  // Asked out of order, as by another process or after a resume.
  EXPECT_EQ(again.at(73).index, second[23]);
  EXPECT_EQ(again.at(4).index, first[4]);
  EXPECT_EQ(again.at(73).seed, order.at(73).seed);
}

TEST(Loader, HandsOutSamplesInOrderForAnyNumberOfWorkers) {
  for (const std::int64_t workers : {1, 4}) {
    Loader loader(
        [](std::int64_t n) {
          std::this_thread::sleep_for(std::chrono::milliseconds(n % 3));
          TrainingSample sample;
          sample.name = std::to_string(n);
          return sample;
        },
        workers, 5);
    for (int n = 0; n < 30; ++n) EXPECT_EQ(loader.next().name, std::to_string(n));
  }
}

TEST(Loader, PassesAnErrorOnWhenItsSampleIsAskedFor) {
  Loader loader(
      [](std::int64_t n) -> TrainingSample {
        if (n == 2) throw std::runtime_error("case 2 is damaged");
        return {};
      },
      2, 4);
  EXPECT_NO_THROW(loader.next());
  EXPECT_NO_THROW(loader.next());
  EXPECT_THROW(loader.next(), std::runtime_error);
}

TEST(ActivateRows, EqualsTheActivationOfFiles) {
  torch::manual_seed(5);
  const torch::Tensor raw = torch::randn({200, layout::kChannels}) * 3;  // beyond every clamp
  const GaussianSet set = activate_rows(raw, torch::zeros({200, 3}), {0.7, 1.1, 2.5});
  for (std::int64_t n = 0; n < 200; ++n) {
    const auto shape = layout::activate(raw[n].contiguous().data_ptr<float>(), Vec3f{0.7F, 1.1F, 2.5F});
    EXPECT_NEAR(set.opacity[n].item<float>(), shape.opacity, 1e-6);
    for (int entry = 0; entry < layout::kCholCount; ++entry) {
      EXPECT_NEAR(set.chol[n][entry].item<float>(), shape.chol[entry],
                  1e-5 * std::abs(static_cast<double>(shape.chol[entry])));
    }
  }
}

}  // namespace
}  // namespace renderfm::train
