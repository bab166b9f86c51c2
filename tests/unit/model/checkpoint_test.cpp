#include "renderfm/model/checkpoint.h"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "renderfm/core/check.h"
#include "renderfm/model/network.h"

namespace renderfm {
namespace {

namespace fs = std::filesystem;

class CheckpointFile : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) /
              (std::string("checkpoint_") + ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path path(const char* name = "model.rfm") const { return folder_ / name; }

  static Checkpoint example() {
    Checkpoint checkpoint;
    Plan& plan = checkpoint.plan;
    plan.name = "a \"quoted\" name: with, marks";
    plan.patch_zyx = {16, 32, 48};
    plan.overlap = 0.375;
    plan.spacing_mm = 3.0;
    plan.hu_scale = 1234.5;
    plan.network.base_features = 4;
    plan.network.stages = 3;
    plan.info = {{"steps", "20000"}, {"commit", "0123abc"}};
    UNet3d network(plan.network, 9);
    const at::NoGradGuard no_grad;
    torch::Tensor head = network.parameters()[network.parameters().size() - 2].tensor;
    head.copy_(at::randn(head.sizes(), at::detail::createCPUGenerator(4), at::kFloat));
    put_weights(checkpoint, network);
    return checkpoint;
  }

  std::vector<char> bytes_of(const fs::path& file) const {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  void write(const fs::path& file, const std::vector<char>& bytes) const {
    std::ofstream(file, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

  // The message of the bad-input error that reading the whole network gives.
  static std::string complaint(const fs::path& file) {
    try {
      network_from(load_checkpoint(file), file.string());
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadInput) << error.what();
      return error.what();
    }
    return "";
  }

  fs::path folder_;
};

TEST_F(CheckpointFile, BringsBackPlanAndWeightsToTheBit) {
  Checkpoint saved = example();
  // What a training run adds beside the weights.
  saved.tensors["optimizer/step"] = at::tensor({123456789012}, at::kLong);
  saved.tensors["ema/scale"] = at::tensor({0.5}, at::kDouble);
  saved.tensors["rng/bytes"] = at::arange(0, 13, at::kByte);
  saved.tensors["optimizer/none"] = at::empty({0, 3}, at::kFloat);
  saved.state["schedule"] = "{\"epoch\": 3}";
  save_checkpoint(path(), saved);
  const Checkpoint loaded = load_checkpoint(path());

  EXPECT_EQ(loaded.plan.name, saved.plan.name);
  EXPECT_EQ(loaded.plan.network, saved.plan.network);
  EXPECT_EQ(loaded.plan.patch_zyx, saved.plan.patch_zyx);
  EXPECT_EQ(loaded.plan.overlap, saved.plan.overlap);
  EXPECT_EQ(loaded.plan.spacing_mm, saved.plan.spacing_mm);
  EXPECT_EQ(loaded.plan.hu_scale, saved.plan.hu_scale);
  EXPECT_EQ(loaded.plan.info, saved.plan.info);
  EXPECT_EQ(loaded.state, saved.state);
  ASSERT_EQ(loaded.tensors.size(), saved.tensors.size());
  for (const auto& [name, tensor] : saved.tensors) {
    ASSERT_TRUE(loaded.tensors.contains(name)) << name;
    EXPECT_TRUE(torch::equal(loaded.tensors.at(name), tensor)) << name;
    EXPECT_EQ(loaded.tensors.at(name).scalar_type(), tensor.scalar_type()) << name;
  }
}

TEST_F(CheckpointFile, NetworkGivesTheSameResidualAfterLoading) {
  const Checkpoint checkpoint = example();
  save_checkpoint(path(), checkpoint);
  const torch::Tensor input = at::randn({6, 20, 40, 50}, at::detail::createCPUGenerator(1), at::kFloat);
  const torch::Tensor foreground = at::arange(11, 20 * 40 * 50, 7, at::kLong);
  const Network before(checkpoint.plan, network_from(checkpoint, "memory"));
  const Network after = Network::load(path(), torch::kCPU);
  const torch::Tensor residual = after.residual(input, foreground);
  EXPECT_EQ(residual.sizes(), torch::IntArrayRef({foreground.size(0), 37}));
  EXPECT_GT(residual.abs().max().item<float>(), 0.1f);
  EXPECT_TRUE(torch::equal(residual, before.residual(input, foreground)));
}

TEST_F(CheckpointFile, TheFormatIsSafetensors) {
  // Read by the published layout alone: length, JSON, offsets.
  const Checkpoint checkpoint = example();
  save_checkpoint(path(), checkpoint);
  const std::vector<char> bytes = bytes_of(path());
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), 8);
  EXPECT_EQ(header_bytes % 8, 0u);
  const std::string header(bytes.data() + 8, header_bytes);
  EXPECT_TRUE(header.starts_with("{\"__metadata__\":{"));
  const std::string name = "weights/decoder.seg_layers.1.bias";
  const ConfigNode entry = ConfigNode::parse(header, "header").at(name);
  EXPECT_EQ(entry.at("dtype").as_string(), "F32");
  const std::vector<double> offsets = entry.at("data_offsets").as_doubles();
  ASSERT_EQ(offsets[1] - offsets[0], 37 * 4);
  EXPECT_EQ(std::memcmp(bytes.data() + 8 + header_bytes + static_cast<std::size_t>(offsets[0]),
                        checkpoint.tensors.at(name).const_data_ptr(), 37 * 4),
            0);
}

TEST_F(CheckpointFile, AnyCutIsNoticed) {
  save_checkpoint(path(), example());
  const std::vector<char> whole = bytes_of(path());
  for (const std::size_t kept : {std::size_t{0}, std::size_t{5}, std::size_t{60}, std::size_t{700},
                                 whole.size() / 2, whole.size() - 1}) {
    write(path("cut.rfm"), {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(kept)});
    const std::string message = complaint(path("cut.rfm"));
    EXPECT_NE(message.find(kept < 60 ? "is not a Render-FM checkpoint" : "is damaged"), std::string::npos)
        << kept << " bytes: " << message;
  }
  std::vector<char> longer = whole;
  longer.push_back('x');
  write(path("long.rfm"), longer);
  EXPECT_NE(complaint(path("long.rfm")).find("is longer than its header says"), std::string::npos);
}

TEST_F(CheckpointFile, AnyChangedByteIsNoticed) {
  save_checkpoint(path(), example());
  std::vector<char> bytes = bytes_of(path());
  for (std::size_t at = 0; at < bytes.size(); at += at < 2000 ? 1 : 997) {
    const char before = bytes[at];
    bytes[at] = static_cast<char>(before ^ 0x04);
    write(path("bad.rfm"), bytes);
    EXPECT_NE(complaint(path("bad.rfm")), "") << "byte " << at << " of " << bytes.size();
    bytes[at] = before;
  }
}

TEST_F(CheckpointFile, OtherVersionsAndOtherFilesAreNamed) {
  save_checkpoint(path(), example());
  const std::vector<char> bytes = bytes_of(path());
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text(bytes.begin(), bytes.end());
    text.replace(text.find(from), from.size(), to);
    write(path("other.rfm"), {text.begin(), text.end()});
    return complaint(path("other.rfm"));
  };
  EXPECT_NE(with("\"version\":\"1\"", "\"version\":\"9\"")
                .find("has checkpoint format 9, this program reads format 1"),
            std::string::npos);
  EXPECT_NE(with("\"layout_version\":\"1\"", "\"layout_version\":\"7\"").find("trained for channel layout 7"),
            std::string::npos);

  write(path("text.rfm"), std::vector<char>(3000, 'a'));
  EXPECT_NE(complaint(path("text.rfm")).find("is not a Render-FM checkpoint"), std::string::npos);
  EXPECT_NE(complaint(path("absent.rfm")).find("there is no checkpoint"), std::string::npos);
  EXPECT_NE(complaint(folder_).find("is a folder"), std::string::npos);
}

TEST_F(CheckpointFile, WeightsThatDoNotFitThePlanAreNamed) {
  Checkpoint checkpoint = example();
  checkpoint.tensors.erase("weights/encoder.stages.1.0.convs.0.norm.bias");
  save_checkpoint(path(), checkpoint);
  EXPECT_NE(complaint(path()).find("has no weight \"encoder.stages.1.0.convs.0.norm.bias\""),
            std::string::npos);

  checkpoint = example();
  checkpoint.plan.network.base_features = 8;
  save_checkpoint(path(), checkpoint);
  EXPECT_NE(complaint(path()).find("this network needs [8, 6, 3, 3, 3]"), std::string::npos);

  checkpoint = example();
  checkpoint.tensors.at("weights/decoder.seg_layers.1.bias")[3] = std::numeric_limits<float>::quiet_NaN();
  save_checkpoint(path(), checkpoint);
  EXPECT_NE(complaint(path()).find("holds NaN or infinity"), std::string::npos);
}

TEST_F(CheckpointFile, AFailedWriteLeavesTheOldFile) {
  save_checkpoint(path(), example());
  const std::vector<char> before = bytes_of(path());
  Checkpoint broken = example();
  broken.plan.patch_zyx = {15, 32, 48};
  EXPECT_THROW(save_checkpoint(path(), broken), Error);
  broken = example();
  broken.tensors["weights/complex"] = at::zeros({2}, at::kComplexFloat);
  EXPECT_THROW(save_checkpoint(path(), broken), Error);
  EXPECT_EQ(bytes_of(path()), before);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator{}), 1);
}

TEST(Plan, TheExampleFileHoldsTheDefaults) {
  const Plan file = Plan::from(ConfigNode::parse_file(RENDERFM_SOURCE_DIR "/configs/network.yaml"));
  const Plan defaults;
  EXPECT_EQ(file.network, defaults.network);
  EXPECT_EQ(file.patch_zyx, defaults.patch_zyx);
  EXPECT_EQ(file.overlap, defaults.overlap);
  EXPECT_EQ(file.spacing_mm, defaults.spacing_mm);
  EXPECT_EQ(file.hu_scale, defaults.hu_scale);
}

TEST(Plan, ComesFromYaml) {
  const Plan plan =
      Plan::from(ConfigNode::parse("patch_zyx: [64, 64, 96]\nnetwork: {base_features: 16}", "plan.yaml"));
  EXPECT_EQ(plan.patch_zyx, (std::array<std::int64_t, 3>{64, 64, 96}));
  EXPECT_EQ(plan.network.stages, 4);
  EXPECT_THROW(Plan::from(ConfigNode::parse("patch_zyx: [64, 64, 90]", "plan.yaml")), Error);
  EXPECT_THROW(Plan::from(ConfigNode::parse("patch_xyz: [64, 64, 96]", "plan.yaml")), Error);
  EXPECT_THROW(Plan::from(ConfigNode::parse("overlap: 0.9", "plan.yaml")), Error);
}

}  // namespace
}  // namespace renderfm
