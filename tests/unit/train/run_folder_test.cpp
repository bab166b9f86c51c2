// What a run leaves behind: checkpoints, numbers, events.
#include "renderfm/train/run_folder.h"

#include <gtest/gtest.h>
#include <torch/types.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "renderfm/core/check.h"
#include "renderfm/train/journal.h"
#include "renderfm/train/tensorboard.h"

namespace renderfm::train {
namespace {

namespace fs = std::filesystem;

class RunFolderTest : public ::testing::Test {
 protected:
  fs::path root_ = fs::temp_directory_path() / fmt::format("renderfm_run_{}", ::getpid());
  void SetUp() override { fs::remove_all(root_); }
  void TearDown() override { fs::remove_all(root_); }

  static Checkpoint small_checkpoint(double value) {
    Checkpoint checkpoint;
    checkpoint.plan.network.base_features = 4;
    checkpoint.plan.network.stages = 2;
    checkpoint.plan.patch_zyx = {16, 16, 16};
    checkpoint.tensors["weights/x"] = torch::full({100}, value);
    return checkpoint;
  }
};

std::string read_bytes(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST_F(RunFolderTest, KeepsTheNewestCheckpointsAndFindsTheLast) {
  const RunFolder folder(root_);
  EXPECT_FALSE(folder.has_run());
  EXPECT_FALSE(folder.newest().has_value());
  folder.create();
  for (const std::int64_t step : {0, 10, 20})
    folder.save(small_checkpoint(static_cast<double>(step)), step, 2);
  EXPECT_TRUE(folder.has_run());
  EXPECT_FALSE(fs::exists(folder.checkpoints() / "step-00000000.safetensors"));
  EXPECT_EQ(folder.newest()->step, 20);
  EXPECT_EQ(folder.newest()->checkpoint.tensors.at("weights/x")[0].item<float>(), 20);
}

TEST_F(RunFolderTest, PassesByADamagedNewestCheckpoint) {
  const RunFolder folder(root_);
  folder.create();
  folder.save(small_checkpoint(1), 1, 3);
  folder.save(small_checkpoint(2), 2, 3);
  const fs::path newest = folder.checkpoints() / "step-00000002.safetensors";
  std::string bytes = read_bytes(newest);
  bytes[bytes.size() - 20] ^= 1;
  std::ofstream(newest, std::ios::binary) << bytes;
  EXPECT_EQ(folder.newest()->step, 1);
  std::ofstream(newest, std::ios::binary) << bytes.substr(0, 50);
  EXPECT_EQ(folder.newest()->step, 1);
}

TEST_F(RunFolderTest, NeverStartsAnewWhereARunCannotBeRead) {
  const RunFolder folder(root_);
  folder.create();
  folder.save(small_checkpoint(1), 1, 2);
  std::ofstream(folder.checkpoints() / "step-00000001.safetensors") << "short";
  EXPECT_THROW(folder.newest(), Error);
  fs::remove(folder.checkpoints() / "step-00000001.safetensors");
  std::ofstream(root_ / "metrics.jsonl") << "{\"step\": 5}\n";
  EXPECT_THROW(folder.newest(), Error);
}

TEST_F(RunFolderTest, SaysWhereItMayNotWrite) {
  if (::geteuid() != 0) {
    fs::create_directories(root_);
    fs::permissions(root_, fs::perms::owner_read | fs::perms::owner_exec);
    EXPECT_THROW(RunFolder(root_ / "run").create(), Error);
    fs::permissions(root_, fs::perms::owner_all);
  }
  fs::create_directories(root_);
  std::ofstream(root_ / "file") << "x";
  EXPECT_THROW(RunFolder(root_ / "file" / "run").create(), Error);
}

TEST_F(RunFolderTest, JournalGoesOnWhereTheCheckpointStands) {
  fs::create_directories(root_);
  const fs::path path = root_ / "metrics.jsonl";
  {
    Journal journal(path, 0);
    for (std::int64_t step = 1; step <= 5; ++step) {
      journal.add({step, "train", {{"loss", 1.0 / static_cast<double>(step)}}});
    }
  }
  std::ofstream(path, std::ios::app) << "{\"step\": 6, \"lo";  // killed while writing
  Journal journal(path, 3);
  ASSERT_EQ(journal.records().size(), 3U);
  journal.add({4, "train", {{"loss", 0.25}}});
  Journal again(path, 100);
  ASSERT_EQ(again.records().size(), 4U);
  EXPECT_EQ(again.records()[2].value("loss"), 1.0 / 3);
  EXPECT_TRUE(std::isnan(again.records()[2].value("psnr")));
  write_curve(again.records(), "a <run> & more", root_ / "curve.svg");
  const std::string svg = read_bytes(root_ / "curve.svg");
  EXPECT_NE(svg.find("a &lt;run> &amp; more"), std::string::npos);
  EXPECT_NE(svg.find("<polyline"), std::string::npos);
}

TEST(Crc32c, EqualsThePublishedCheckValue) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);  // of the Castagnoli polynomial (RFC 3720)
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
}

TEST_F(RunFolderTest, TensorBoardItselfReadsTheEvents) {
  fs::create_directories(root_);
  const std::string png = "not a picture, but bytes";
  {
    TensorBoard board(root_, 0);
    for (std::int64_t step = 0; step < 300; step += 100)
      board.scalar("train/loss", step, 0.5 / double(step + 1));
    board.picture("validation/pictures", 200, 7, 5, png);
    board.flush();
  }
  const char* const named = std::getenv("RENDERFM_PYTHON");
  const std::string python = named != nullptr ? named : RENDERFM_SOURCE_DIR "/.venv/bin/python";
  const int status = std::system(fmt::format("'{}' '{}/tests/support/check_events.py' '{}' '{}'", python,
                                             RENDERFM_SOURCE_DIR, root_.string(), png)
                                     .c_str());
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127) GTEST_SKIP() << "Python is needed in " << python;
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace renderfm::train
