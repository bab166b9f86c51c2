#include "renderfm/nn/tiled_inference.h"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <array>
#include <set>

#include "renderfm/core/parallel.h"
#include "renderfm/nn/unet3d.h"

namespace renderfm {
namespace {

FillTile from_volume(const torch::Tensor& volume) {  // [channels, D, H, W]
  return [volume](const IndexZyx& begin, const torch::Tensor& tile) {
    torch::Tensor box = volume;
    for (std::int64_t axis = 0; axis < 3; ++axis) {
      box = box.narrow(axis + 1, begin[static_cast<std::size_t>(axis)], tile.size(axis + 1));
    }
    tile.copy_(box);
  };
}

// Smooth at the scale of several voxels, as scans are, with a shape of its own in every channel.
torch::Tensor smooth_volume(std::int64_t channels, std::array<std::int64_t, 3> shape) {
  const torch::Tensor coarse = at::randn({1, channels, shape[0] / 4, shape[1] / 4, shape[2] / 4},
                                         at::detail::createCPUGenerator(11), at::kFloat);
  return at::upsample_trilinear3d(coarse, {shape[0], shape[1], shape[2]}, false)[0].contiguous();
}

UNet3d random_network(std::int64_t out_channels) {
  UNet3dConfig config;
  config.base_features = 8;
  config.stages = 3;
  config.out_channels = out_channels;
  UNet3d network(config, 3);
  const at::NoGradGuard no_grad;
  torch::Tensor head = network.parameters()[network.parameters().size() - 2].tensor;
  head.copy_(at::randn(head.sizes(), at::detail::createCPUGenerator(5), at::kFloat));
  return network;
}

RunTile run_with(const UNet3d& network, int* tiles = nullptr) {
  return [&network, tiles](const torch::Tensor& input, const torch::Tensor& voxels) {
    if (tiles != nullptr) ++*tiles;
    return network.infer(input, voxels);
  };
}

std::int64_t covered_until(const std::vector<std::int64_t>& begins, std::int64_t patch) {
  return begins.back() + patch;
}

TEST(TileBegins, OneTileWhereTheForegroundFits) {
  EXPECT_EQ(tile_begins(10, 50, 200, 64, 0.5, 16), (std::vector<std::int64_t>{0}));    // kept inside
  EXPECT_EQ(tile_begins(60, 100, 200, 64, 0.5, 16), (std::vector<std::int64_t>{48}));  // centred
  EXPECT_EQ(tile_begins(150, 200, 200, 64, 0.5, 16), (std::vector<std::int64_t>{136}));
  EXPECT_EQ(tile_begins(0, 40, 40, 64, 0.5, 16), (std::vector<std::int64_t>{-12}));  // volume in the middle
}

TEST(TileBegins, CoverEveryForegroundWithTheOverlapAndTheAlignmentAsked) {
  for (std::int64_t size = 64; size < 260; size += 7) {
    for (std::int64_t first = 0; first + 65 < size; first += 13) {
      const std::int64_t last = std::min(size, first + 65 + (size * 31 + first * 17) % 120);
      for (const std::int64_t alignment : {1, 16}) {
        const std::vector<std::int64_t> begins = tile_begins(first, last, size, 64, 0.5, alignment);
        ASSERT_LE(begins.front(), first);
        ASSERT_GE(begins.front(), 0);
        ASSERT_GE(covered_until(begins, 64), last);
        ASSERT_LT(begins.back(), size);
        for (std::size_t i = 1; i < begins.size(); ++i) {
          ASSERT_GT(begins[i], begins[i - 1]);
          ASSERT_LE(begins[i] - begins[i - 1], 32)
              << "size " << size << ", foreground " << first << " to " << last;
          ASSERT_EQ((begins[i] - begins[i - 1]) % alignment, 0);
        }
      }
    }
  }
}

TEST(TiledInference, OneTileEqualsThePlainForwardPass) {
  const torch::Tensor volume = smooth_volume(6, {32, 32, 48});
  const UNet3d network = random_network(5);
  const torch::Tensor foreground = at::tensor({7, 40000, 31, 49151, 1024}, at::kLong);
  TilingPlan plan;
  plan.patch_zyx = {32, 32, 48};
  plan.alignment = 4;
  plan.padding.assign(6, 0.0f);
  int tiles = 0;
  const torch::Tensor tiled =
      tiled_inference(plan, {32, 32, 48}, foreground, 5, from_volume(volume), run_with(network, &tiles));
  const at::NoGradGuard no_grad;
  const torch::Tensor plain =
      network.forward(volume.unsqueeze(0))[0].reshape({5, -1}).index_select(1, foreground).t();
  EXPECT_EQ(tiles, 1);
  EXPECT_EQ((tiled - plain).abs().max().item<float>(), 0.0f);
}

TEST(TiledInference, VolumeSmallerThanThePatchIsPaddedWithThePlansValues) {
  const torch::Tensor volume = smooth_volume(2, {8, 12, 16});
  TilingPlan plan;
  plan.patch_zyx = {16, 16, 16};
  plan.padding = {-1.0f, 0.25f};
  const torch::Tensor foreground = at::arange(0, volume[0].numel(), at::kLong);
  const torch::Tensor tiled =
      tiled_inference(plan, {8, 12, 16}, foreground, 2, from_volume(volume),
                      [](const torch::Tensor& input, const torch::Tensor& voxels) {
                        EXPECT_EQ(input.sizes(), torch::IntArrayRef({2, 16, 16, 16}));
                        EXPECT_EQ(input[0][0].max().item<float>(), -1.0f);
                        EXPECT_EQ(input[1].select(1, 15).min().item<float>(), 0.25f);
                        EXPECT_EQ(input[1].select(1, 15).max().item<float>(), 0.25f);
                        return input.reshape({2, -1}).index_select(1, voxels).t().contiguous();
                      });
  EXPECT_TRUE(torch::equal(tiled, volume.reshape({2, -1}).t()));
}

TEST(TiledInference, BlendingReturnsWhatAllTilesAgreeOn) {
  const torch::Tensor volume = smooth_volume(3, {60, 72, 100});
  TilingPlan plan;
  plan.patch_zyx = {32, 32, 48};
  plan.alignment = 16;
  plan.padding.assign(3, 0.0f);
  const torch::Tensor foreground = at::arange(0, volume[0].numel(), 3, at::kLong);
  const torch::Tensor tiled = tiled_inference(plan, {60, 72, 100}, foreground, 3, from_volume(volume),
                                              [](const torch::Tensor& input, const torch::Tensor& voxels) {
                                                return input.reshape({3, -1}).index_select(1, voxels).t();
                                              });
  const torch::Tensor expected = volume.reshape({3, -1}).index_select(1, foreground).t();
  EXPECT_LT((tiled - expected).abs().max().item<float>(), 1e-5f);  // a weighted mean of equals, in float
}

TEST(TiledInference, EmptyTilesAreSkipped) {
  const torch::Tensor volume = smooth_volume(6, {32, 32, 128});
  const UNet3d network = random_network(2);
  TilingPlan plan;
  plan.patch_zyx = {32, 32, 32};
  plan.overlap = 0;
  plan.alignment = 4;
  plan.padding.assign(6, 0.0f);
  int tiles = 0;
  // Two specks at the ends of a row of four tiles.
  tiled_inference(plan, {32, 32, 128}, at::tensor({0, 127}, at::kLong), 2, from_volume(volume),
                  run_with(network, &tiles));
  EXPECT_EQ(tiles, 2);
  tiles = 0;
  EXPECT_EQ(tiled_inference(plan, {32, 32, 128}, at::empty({0}, at::kLong), 2, from_volume(volume),
                            run_with(network, &tiles))
                .size(0),
            0);
  EXPECT_EQ(tiles, 0);
}

TEST(TiledInference, ThreadCountDoesNotChangeABit) {
  const torch::Tensor volume = smooth_volume(6, {48, 32, 64});
  const UNet3d network = random_network(4);
  TilingPlan plan;
  plan.patch_zyx = {32, 32, 32};
  plan.alignment = 4;
  plan.padding.assign(6, 0.0f);
  const torch::Tensor foreground = at::arange(0, volume[0].numel(), 2, at::kLong);
  const auto infer = [&](int threads) {
    set_thread_count(threads);
    return tiled_inference(plan, {48, 32, 64}, foreground, 4, from_volume(volume), run_with(network));
  };
  const torch::Tensor alone = infer(1);
  EXPECT_TRUE(torch::equal(alone, infer(2)));
  EXPECT_TRUE(torch::equal(alone, infer(3)));
  set_thread_count(0);
}

struct SeamError {
  double at_borders, elsewhere;            // mean |tiled - one large forward pass|
  double step_at_borders, step_elsewhere;  // mean |change of that error to the next voxel|, across the face
};

// Against one forward pass over the whole volume, which is what tiling stands in for.
SeamError seam_error(double overlap) {
  const IndexZyx shape{96, 96, 96};
  const torch::Tensor volume = smooth_volume(6, {96, 96, 96});
  const UNet3d network = random_network(8);
  TilingPlan plan;
  plan.patch_zyx = {48, 48, 48};
  plan.overlap = overlap;
  plan.alignment = 4;
  plan.padding.assign(6, 0.0f);
  const torch::Tensor foreground = at::arange(0, 96 * 96 * 96, at::kLong);
  const torch::Tensor tiled =
      tiled_inference(plan, shape, foreground, 8, from_volume(volume), run_with(network));
  const at::NoGradGuard no_grad;
  const torch::Tensor whole = network.forward(volume.unsqueeze(0))[0];
  const torch::Tensor difference = tiled.t().reshape({8, 96, 96, 96}) - whole;
  const torch::Tensor error = difference.abs().mean(0);

  const std::vector<std::int64_t> begins = tile_begins(0, 96, 96, 48, overlap, 4);
  std::set<std::int64_t> faces;  // a face lies between voxel f - 1 and f
  for (const std::int64_t begin : begins) {
    if (begin > 0) faces.insert(begin);
    if (begin + 48 < 96) faces.insert(begin + 48);
  }
  torch::Tensor border = at::zeros({96, 96, 96}, at::kBool);
  torch::Tensor crossing = at::zeros({95}, at::kBool);
  for (const std::int64_t face : faces) {
    crossing[face - 1] = true;
    for (std::int64_t axis = 0; axis < 3; ++axis) border.narrow(axis, face - 2, 4).fill_(true);
  }
  // The volume's own border is the same for both; only the inside counts.
  const auto inside = [](torch::Tensor t) { return t.slice(0, 8, 88).slice(1, 8, 88).slice(2, 8, 88); };
  const torch::Tensor mask = inside(border), inner = inside(error);
  SeamError result{};
  result.at_borders = inner.masked_select(mask).mean().item<double>();
  result.elsewhere = inner.masked_select(mask.logical_not()).mean().item<double>();
  const torch::Tensor steps = difference.diff(1, 3).abs().mean(at::IntArrayRef({0, 1, 2}));
  result.step_at_borders = steps.masked_select(crossing).mean().item<double>();
  result.step_elsewhere = steps.masked_select(crossing.logical_not()).mean().item<double>();
  return result;
}

TEST(TiledInference, ShowsNoSeamWithTheDefaultOverlap) {
  const SeamError error = seam_error(TilingPlan{}.overlap);
  // Measured 0.99 and 1.00. Neighbours that share only a quarter of the patch reach 1.09 and 1.15.
  EXPECT_LE(error.at_borders, 1.05 * error.elsewhere);
  EXPECT_LE(error.step_at_borders, 1.05 * error.step_elsewhere);
  // The measure sees a seam where there is one: tiles side by side reach 2.1.
  const SeamError abrupt = seam_error(0.0);
  EXPECT_GT(abrupt.at_borders, 1.3 * abrupt.elsewhere);
  EXPECT_GT(abrupt.step_at_borders, 1.3 * abrupt.step_elsewhere);
}

}  // namespace
}  // namespace renderfm
