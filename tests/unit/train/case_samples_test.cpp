// Cases on disk as training samples.
#include "renderfm/train/case_samples.h"

#include <gtest/gtest.h>

#include <set>

#include "renderfm/core/check.h"
#include "renderfm/gaussian/layout.h"
#include "renderfm/medium/medium.h"
#include "renderfm/volume/labels.h"
#include "support/scan_files.h"
#include "unit/data/case_folder.h"

namespace renderfm::train {
namespace {

namespace fs = std::filesystem;
using renderfm::test::ScratchFolder;

Plan four_stages() {
  Plan plan;
  plan.network.stages = 4;  // sides are multiples of 8
  return plan;
}

data::Case loaded_case(const fs::path& folder) {
  renderfm::test::write_small_case(folder);
  return data::load_case(folder);
}

TEST(SampleOf, ShowsTheNetworkTheHaloButPutsGaussiansIntoTheBoxAlone) {
  const ScratchFolder scratch;
  const data::Case content = loaded_case(scratch / "one");
  const TrainingSample sample = sample_of(content, four_stages());
  const auto& shape = content.ct.geometry.shape_zyx;
  const Medium whole(content.ct, content.labels_volume, content.tf,
                     select_organs(content.labels_volume, content.organs));
  for (int axis = 0; axis < 3; ++axis) {
    EXPECT_EQ(sample.input.size(axis + 1) % 8, 0);
    EXPECT_GE(sample.input.size(axis + 1), shape[axis]);
    EXPECT_LT(sample.input.size(axis + 1), shape[axis] + 8);
  }
  const std::int64_t height = sample.input.size(2), width = sample.input.size(3);
  ASSERT_GT(sample.voxels.numel(), 100);
  std::set<std::int64_t> seen;
  for (std::int64_t n = 0; n < sample.voxels.numel(); ++n) {
    const std::int64_t voxel = sample.voxels[n].item<std::int64_t>();
    const std::int64_t i = voxel % width, j = voxel / width % height, k = voxel / width / height;
    ASSERT_TRUE(content.box.contains(k, j, i)) << k << " " << j << " " << i;
    EXPECT_TRUE(seen.insert(voxel).second);
    const Vec3d centre = content.ct.geometry.world_from_index(
        {static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)});
    for (int axis = 0; axis < 3; ++axis) {
      ASSERT_NEAR(sample.position_mm[n][axis].item<double>(), centre[axis], 1e-3);
    }
    ASSERT_FLOAT_EQ(
        sample.input[0][k][j][i].item<float>(),
        static_cast<float>(whole.hu()[static_cast<std::size_t>(whole.geometry().offset(k, j, i))]) / 1000);
  }
  EXPECT_EQ(sample.input[5].sum().item<float>(), static_cast<float>(sample.voxels.numel()));
  // Bone outside the box is seen, too.
  const torch::Tensor shown = (sample.input[4] > 0.05) & (sample.input[5] == 0);
  EXPECT_GT(shown.sum().item<int>(), 100);
  // Padding is air.
  EXPECT_FLOAT_EQ(sample.input[0][-1][-1][-1].item<float>(), -1.024F);
  EXPECT_EQ(sample.start.sizes(), (torch::IntArrayRef{sample.voxels.numel(), layout::kChannels}));
  EXPECT_EQ(sample.train.cameras.size(), 3U);
  EXPECT_EQ(sample.test.rgb.sizes(), (torch::IntArrayRef{2, 3, 16, 24}));
  EXPECT_TRUE(sample.uniform_light);
}

TEST(SampleOf, FollowsThePlanInWhatTheNetworkStartsFromAndSees) {
  const ScratchFolder scratch;
  const data::Case content = loaded_case(scratch / "one");
  const TrainingSample usual = sample_of(content, four_stages());
  Plan plan = four_stages();
  plan.start = Start::kConstant;
  plan.mask_channel = false;
  const TrainingSample other = sample_of(content, plan);
  EXPECT_EQ(other.input[5].abs().max().item<float>(), 0);
  EXPECT_TRUE(torch::equal(other.input.narrow(0, 0, 5), usual.input.narrow(0, 0, 5)));
  EXPECT_TRUE(torch::equal(other.voxels, usual.voxels));
  EXPECT_EQ(other.start.select(1, layout::kOpacityLogit).abs().max().item<float>(), 0);
  EXPECT_GT(usual.start.select(1, layout::kOpacityLogit).abs().max().item<float>(), 0);
}

TEST(SampleOf, ReadsTheMapsOfTrainingViewsWhereALossNeedsThem) {
  const ScratchFolder scratch;
  const data::Case written = renderfm::test::write_small_case(scratch / "one", true);
  TrainConfig config;
  config.plan.patch_zyx = {16, 16, 16};
  config.finish();
  EXPECT_FALSE(open_data_set(scratch / "", config).train.load(0).train.depth_mm.defined());
  config.loss.depth = 0.1;
  const TrainingSample sample = open_data_set(scratch / "", config).train.load(0);
  EXPECT_EQ(sample.train.alpha.sizes(), (torch::IntArrayRef{3, 16, 24}));
  EXPECT_FALSE(sample.test.alpha.defined());
  EXPECT_EQ(sample.radius_mm, written.view_sphere.radius_mm);
  for (int view = 0; view < 3; ++view) {  // as write_small_case has them
    EXPECT_EQ(sample.train.alpha[view][0][7].item<int>(), 51);
    EXPECT_EQ(sample.train.alpha[view][15][7].item<int>(), 255);
    EXPECT_FLOAT_EQ(sample.train.depth_mm[view][0][7].item<float>(), 20.0F + static_cast<float>(view));
  }
  write_pfm(torch::ones({1, 16, 20}), written.train_views[1].depth);
  EXPECT_NE(renderfm::test::error_of([&] {
              open_data_set(scratch / "", config).train.load(0);
            }).find("20x16 pixels, its camera 24x16"),
            std::string::npos);
}

TEST(OpenDataSet, SortsCasesBySplitAndReadsThemWithAnyCache) {
  const ScratchFolder scratch;
  renderfm::test::write_small_case(scratch / "set/a");
  data::Case other = renderfm::test::small_case(scratch / "set/b");
  other.split = "validation";
  fs::create_directories(scratch / "set/b/views");
  data::write_case_files(other, {});
  for (const auto* views : {&other.train_views, &other.test_views}) {
    for (const data::View& view : *views) write_png(torch::zeros({3, 16, 24}), view.image);
  }
  data::seal_case(other);
  TrainConfig config;
  config.plan.patch_zyx = {16, 16, 16};
  config.data.cache_gib = 0;
  config.finish();
  const TrainingData data = open_data_set(scratch / "set", config);
  EXPECT_EQ(data.train.names, (std::vector<std::string>{"a"}));
  EXPECT_EQ(data.validation.names, (std::vector<std::string>{"b"}));
  config.data.cache_gib = 1;
  const TrainingData cached = open_data_set(scratch / "set", config);
  const TrainingSample first = cached.train.load(0), second = cached.train.load(0);
  EXPECT_TRUE(torch::equal(first.input, data.train.load(0).input));
  EXPECT_EQ(first.input.data_ptr(), second.input.data_ptr());  // read once
}

TEST(OpenDataSet, SaysWhatIsWrongWithADataSet) {
  const ScratchFolder scratch;
  TrainConfig config;
  config.plan.patch_zyx = {16, 16, 16};
  config.finish();
  const auto complaint = [&](const fs::path& folder) {
    try {
      open_data_set(folder, config).train.load(0);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(complaint("").find("--data"), std::string::npos);
  EXPECT_NE(complaint(scratch / "absent"), "");
  const data::Case written = renderfm::test::write_small_case(scratch / "one");
  config.loss.alpha = 0.1;
  EXPECT_NE(complaint(scratch / "one").find("one has no maps of alpha and depth"), std::string::npos);
  config.loss.alpha = 0;
  write_png(torch::zeros({3, 16, 20}), written.train_views[1].image);
  EXPECT_NE(complaint(scratch / "one").find("20x16 pixels, its camera 24x16"), std::string::npos);
  fs::remove(written.train_views[1].image);
  EXPECT_NE(complaint(scratch / "one").find("001.png"), std::string::npos);
}

}  // namespace
}  // namespace renderfm::train
