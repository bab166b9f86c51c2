#include "renderfm/data/case.h"

#include <gtest/gtest.h>

#include <fstream>

#include "renderfm/core/sha256.h"
#include "support/program.h"
#include "support/scan_files.h"
#include "unit/data/case_folder.h"

namespace renderfm {
namespace {

namespace fs = std::filesystem;
using test::ScratchFolder;

TEST(Case, IsReadAsItWasWritten) {
  const ScratchFolder scratch;
  const data::Case written = test::write_small_case(scratch / "one");
  const data::Case read = data::load_case(scratch / "one");
  EXPECT_EQ(read.name, "one");
  EXPECT_EQ(read.ct.voxels, written.ct.voxels);
  EXPECT_EQ(read.labels_volume.voxels, written.labels_volume.voxels);
  EXPECT_EQ(read.labels_volume.names, written.labels_volume.names);
  EXPECT_TRUE(same_grid(read.ct.geometry, written.geometry, 0));  // from case.json, not NIfTI's 32-bit floats
  EXPECT_EQ(read.box, written.box);
  EXPECT_EQ(to_yaml(read.tf), to_yaml(written.tf));
  EXPECT_EQ(read.view_sphere.centre_mm.z, written.view_sphere.centre_mm.z);
  EXPECT_EQ(read.rendering.seed, written.rendering.seed);
  EXPECT_EQ(read.files, written.files);
  ASSERT_EQ(read.train_views.size(), 3U);
  ASSERT_EQ(read.test_views.size(), 2U);
  EXPECT_EQ(read.test_views[0].name, "003");
  EXPECT_TRUE(fs::exists(read.test_views[0].image));
  for (int n = 0; n < 3; ++n) {
    const Camera &a = read.train_views[n].camera, &b = written.train_views[n].camera;
    EXPECT_EQ(a.fx, b.fx);
    for (int axis = 0; axis < 3; ++axis) EXPECT_EQ(a.position_mm[axis], b.position_mm[axis]);
  }
}

TEST(Case, KnowsTheHashOfEveryFile) {
  const ScratchFolder scratch;
  const data::Case written = test::write_small_case(scratch / "one");
  EXPECT_EQ(written.files.size(), data::case_file_names().size() + 5);
  EXPECT_EQ(written.files.at("views/004.png"), sha256(test::read_file(scratch / "one/views/004.png")));
}

TEST(Case, HasMapsWhereItsDescriptionSaysSo) {
  const ScratchFolder scratch;
  const data::Case written = test::write_small_case(scratch / "one", true);
  EXPECT_EQ(written.files.size(), data::case_file_names().size() + 15);
  EXPECT_EQ(written.files.at("depth/004.pfm"), sha256(test::read_file(scratch / "one/depth/004.pfm")));
  const data::CaseInfo read = data::read_case_info(scratch / "one");
  EXPECT_TRUE(read.maps);
  EXPECT_EQ(read.test_views[1].alpha, scratch / "one/alpha/004.png");
  // Descriptions from before there were maps have no such key.
  std::string text = test::read_file(scratch / "one/case.json");
  const std::string key = ",\n  \"maps\": true";
  const auto at = text.find(key);
  ASSERT_NE(at, std::string::npos) << text;
  std::ofstream(scratch / "one/case.json") << text.erase(at, key.size());
  EXPECT_FALSE(data::read_case_info(scratch / "one").maps);
  EXPECT_TRUE(data::read_case_info(scratch / "one").test_views[1].alpha.empty());
}

TEST(Case, WithoutItsDescriptionIsUnfinished) {
  const ScratchFolder scratch;
  test::write_small_case(scratch / "one");
  fs::remove(scratch / "one/case.json");
  EXPECT_FALSE(data::is_case(scratch / "one"));
  EXPECT_NE(test::error_of([&] { data::load_case(scratch / "one"); }).find("run renderfm-prepare again"),
            std::string::npos);
  EXPECT_NE(test::error_of([&] { data::find_cases(scratch / ""); }).find("holds no finished case"),
            std::string::npos);
}

TEST(Case, OfAnotherGridOrSchemaIsRefused) {
  const ScratchFolder scratch;
  const data::Case written = test::write_small_case(scratch / "one");
  const fs::path manifest = scratch / "one/case.json";
  const std::string text = test::read_file(manifest);
  const auto error_with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    const auto at = changed.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    std::ofstream(manifest) << changed.replace(at, from.size(), to);
    return test::error_of([&] { data::load_case(scratch / "one"); });
  };
  EXPECT_NE(error_with("\"renderfm_case\": 1", "\"renderfm_case\": 99").find("has schema 99"),
            std::string::npos);
  EXPECT_NE(error_with("\"spacing_zyx_mm\": [\n   6.0", "\"spacing_zyx_mm\": [\n   5.0")
                .find("grid is not the one"),
            std::string::npos);
  EXPECT_NE(error_with("\"train\": 3", "\"train\": 4").find("has 3 cameras"), std::string::npos);
  EXPECT_NE(error_with("\"begin_zyx\": [\n   2", "\"begin_zyx\": [\n   2000").find("box does not lie"),
            std::string::npos);
  EXPECT_NE(error_with("\"split\": \"train\"", "\"split\": \"trian\"").find("must be train"),
            std::string::npos);
}

// The fields that the reader of graphdeco's 3DGS (scene/dataset_readers.py) takes, read by software that is
// not ours.
TEST(Case, OpensInA3dgsTrainersReader) {
  if (!test::python_has("numpy, plyfile")) GTEST_SKIP() << "python with numpy and plyfile is not installed";
  const ScratchFolder scratch;
  const data::Case written = test::write_small_case(scratch / "one");
  const std::string command = fmt::format("{} {}/tests/support/check_case.py {}", test::python(),
                                          RENDERFM_SOURCE_DIR, (scratch / "one").string());
  EXPECT_EQ(std::system(command.c_str()), 0);
}

TEST(Sha256, GivesThePublishedDigests) {  // FIPS 180-4 examples
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  Sha256 pieces;
  for (int n = 0; n < 1000000; ++n) pieces.update("a");
  EXPECT_EQ(pieces.finish(), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

}  // namespace
}  // namespace renderfm
