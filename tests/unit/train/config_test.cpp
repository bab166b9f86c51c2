#include "renderfm/train/config.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "renderfm/core/check.h"
#include "renderfm/train/schedule.h"

namespace renderfm::train {
namespace {

std::string complaint(const std::string& yaml, const std::vector<std::string>& assignments = {}) {
  try {
    TrainConfig config = parse_config(yaml, "my.yaml", assignments);
    config.finish();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    return error.what();
  }
  return "";
}

TEST(TrainConfig, DefaultYamlIsWhatTheStructsSay) {
  std::ifstream stream(RENDERFM_SOURCE_DIR "/configs/default.yaml");
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  EXPECT_EQ(text, dump_config(TrainConfig())) << "write it anew by renderfm-train --print-config";
}

TEST(TrainConfig, EveryShippedConfigCanBeUsed) {
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(RENDERFM_SOURCE_DIR "/configs")) {
    const auto& path = entry.path();
    if (path.extension() != ".yaml" || path.parent_path().filename() == "tf" ||
        path.filename() == "network.yaml")
      continue;
    if (path.parent_path().filename() != "configs" && path.parent_path().filename() != "ablation") continue;
    TrainConfig config = load_config(path, {});
    EXPECT_NO_THROW(config.finish()) << path;
    ++files;
  }
  EXPECT_GE(files, 5);
}

TEST(TrainConfig, ReadsBackWhatItDumps) {
  TrainConfig config;
  config.name = "a \"name\": with signs";
  config.optimizer.lr = 1.0 / 3;
  config.plan.patch_zyx = {32, 48, 64};
  config.augment.flips = false;
  const std::string text = dump_config(config);
  EXPECT_EQ(dump_config(parse_config(text, "dump")), text);
  EXPECT_EQ(parse_config(text, "dump").optimizer.lr, 1.0 / 3);
}

TEST(TrainConfig, NamesTheNearestKeyForOneItDoesNotKnow) {
  EXPECT_NE(complaint("optimizer:\n  stesp: 5\n").find("did you mean 'steps'"), std::string::npos);
  EXPECT_NE(complaint("optimizer:\n  stesp: 5\n").find("my.yaml line 2"), std::string::npos);
  EXPECT_NE(complaint("plan: {network: {base_feature: 5}}").find("did you mean 'base_features'"),
            std::string::npos);
  EXPECT_NE(complaint("", {"optimizer.Lr=1"}).find("did you mean 'optimizer.lr'"), std::string::npos);
}

TEST(TrainConfig, RefusesValuesThatCannotBe) {
  EXPECT_NE(complaint("optimizer: {steps: many}").find("whole number"), std::string::npos);
  EXPECT_NE(complaint("optimizer: 5").find("expected keys and values"), std::string::npos);
  EXPECT_NE(complaint("", {"optimizer.batch=0"}).find("optimizer.batch is 0"), std::string::npos);
  EXPECT_NE(complaint("", {"loss.l1=0", "loss.ssim=0"}).find("nothing to learn"), std::string::npos);
  EXPECT_NE(complaint("", {"loss.depth=-1"}).find("loss.depth is -1"), std::string::npos);
  EXPECT_NE(complaint("", {"seed"}).find("key=value"), std::string::npos);
  EXPECT_NE(complaint("", {"plan.patch_zyx=[20, 20]"}).find("three sides"), std::string::npos);
}

TEST(TrainConfig, AnAssignmentWinsOverTheFile) {
  const TrainConfig config = parse_config("optimizer: {lr: 0.1}\nseed: 3", "my.yaml", {"optimizer.lr=1e-4"});
  EXPECT_EQ(config.optimizer.lr, 1e-4);
  EXPECT_EQ(config.seed, 3U);
}

TEST(LearningRate, RisesLinearlyThenFallsByHalfACosine) {
  OptimizerConfig config;
  config.steps = 111;
  config.warmup_steps = 10;
  config.lr = 1;
  config.final_lr_share = 0.1;
  EXPECT_DOUBLE_EQ(learning_rate(config, 0), 1.0 / 11);
  EXPECT_DOUBLE_EQ(learning_rate(config, 9), 10.0 / 11);
  EXPECT_DOUBLE_EQ(learning_rate(config, 10), 1);
  EXPECT_DOUBLE_EQ(learning_rate(config, 60), 0.55);  // half way
  EXPECT_DOUBLE_EQ(learning_rate(config, 110), 0.1);  // the last step
}

}  // namespace
}  // namespace renderfm::train
