// renderfm-prepare as a user runs it: killed, resumed, split, on a full disk and with mistakes.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <regex>

#include "renderfm/core/check.h"
#include "renderfm/data/case.h"
#include "renderfm/image/image_io.h"
#include "renderfm/image/pfm.h"
#include "support/program.h"
#include "support/small_scan.h"

namespace renderfm {
namespace {

namespace fs = std::filesystem;
using test::NiftiBytes;
using test::Outcome;

class Prepare : public test::ProgramTest {
 protected:
  Prepare() {
    test::cube_scan(24).save(file("a.nii"));
    test::cube_scan(32).save(file("b.nii"));
  }
  /// Two whole scans (cubes of bone, read faster than a phantom is made), three views each.
  std::string command(const std::string& folder, const std::string& more = "",
                      const std::string& tf = "bone") const {
    return fmt::format(
        "{} {} {} --tf {} --views 2 --test-views 1 --size 24x24 --spp 2 --test-spp 4 --device cpu "
        "--out {} {}",
        RENDERFM_PREPARE, file("a.nii").string(), file("b.nii").string(), tf, out(folder), more);
  }
  Outcome succeed(const std::string& line) const {
    const Outcome outcome = run(line);
    EXPECT_EQ(outcome.exit_code, 0) << line << "\n" << outcome.err;
    return outcome;
  }
  void expect_sentence(const std::string& line, int exit_code, const std::string& what) const {
    const Outcome outcome = run(line);
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.err;
    EXPECT_NE(outcome.err.find(what), std::string::npos) << outcome.err;
  }
  std::map<std::string, std::string> contents(const std::string& folder) const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(out(folder))) {
      const std::string name = fs::relative(entry.path(), out(folder)).string();
      if (entry.is_regular_file() && !name.starts_with(".locks")) files[name] = test::read_file(entry.path());
    }
    return files;
  }
  void expect_same(const std::string& a, const std::string& b) const {
    const auto left = contents(a), right = contents(b);
    for (const auto& [name, text] : left) {
      const auto found = right.find(name);
      EXPECT_TRUE(found != right.end() && found->second == text) << name << " differs";
    }
    for (const auto& [name, text] : right) EXPECT_EQ(left.count(name), 1U) << name << " is new";
  }
};

TEST_F(Prepare, KilledAtSeveralMomentsEndsInTheSameBytesForAnyThreadCount) {
  succeed(command("whole", "--threads 1 --maps"));
  succeed(std::string(RENDERFM_PREPARE) + " --verify --out " + out("whole"));
  int kills = 0;
  for (const double seconds : {0.05, 0.2, 0.3, 0.4, 0.6}) {
    // SIGKILL; the shell says 137.
    const Outcome outcome = run(fmt::format("timeout -s KILL {} ", seconds) + command("killed", "--maps"));
    kills += outcome.exit_code == 137 ? 1 : 0;
  }
  EXPECT_GE(kills, 1);
  succeed(command("killed", "--threads 2 --maps"));
  expect_same("whole", "killed");

  // A cube of 16 voxels of 4 mm whose camera looks at its middle: opaque there, nothing in the corners, and
  // no nearer than the cube reaches.
  const data::CaseInfo info = data::read_case_info(out("whole") + "/a");
  const data::View& view = info.test_views.front();
  const torch::Tensor alpha = read_png(view.alpha)[0], depth = read_pfm(view.depth)[0];
  EXPECT_EQ(alpha[12][12].item<float>(), 1);
  EXPECT_EQ(alpha[0][0].item<float>(), 0);
  EXPECT_TRUE(torch::equal(alpha > 0, depth > 0));
  const double middle_mm = view.camera.camera_from_world(info.view_sphere.centre_mm).z;
  EXPECT_LT(depth[12][12].item<double>(), middle_mm);
  EXPECT_GT(depth[12][12].item<double>(), middle_mm - info.view_sphere.radius_mm - 4);
}

TEST_F(Prepare, SaysBeforehandHowLargeTheDataSetWillBe) {
  // Two looks at one scan: the estimate takes every case to be as large as the first.
  const Outcome outcome =
      succeed(fmt::format("{} {} --tf bone,organs --views 2 --test-views 1 --size 24x24 --spp 2 --test-spp 4 "
                          "--device cpu --maps --out {}",
                          RENDERFM_PREPARE, file("a.nii").string(), out("whole")));
  std::smatch said;
  ASSERT_TRUE(std::regex_search(outcome.err, said,
                                std::regex("views take about [0-9.]+ (s|min), files about ([0-9]+) kB")))
      << outcome.err;
  double bytes = 0;
  for (const auto& [name, text] : contents("whole")) {
    if (name.find('/') != std::string::npos) bytes += static_cast<double>(text.size());  // the sheet is apart
  }
  EXPECT_NEAR(1000 * std::stod(said[2]), bytes, 0.2 * bytes);
}

TEST_F(Prepare, ShardsMakeTheSameDataSet) {
  succeed(command("whole"));
  succeed(command("shards", "--shard 1/2"));
  EXPECT_TRUE(fs::exists(out("shards") + "/b/case.json"));
  EXPECT_FALSE(fs::exists(out("shards") + "/a/case.json"));
  const Outcome second =
      run(command("shards"), "SLURM_ARRAY_TASK_ID=5 SLURM_ARRAY_TASK_MIN=5 SLURM_ARRAY_TASK_COUNT=2 ");
  EXPECT_EQ(second.exit_code, 0) << second.err;
  expect_same("whole", "shards");
}

TEST_F(Prepare, TwoProcessesOnOneFolderShareTheWork) {
  succeed(command("whole"));
  const Outcome second = run(command("shared") + " -q", command("shared") + " -q >/dev/null 2>&1 & ");
  EXPECT_EQ(second.exit_code, 0) << second.err;
  succeed(command("shared"));  // until the first is done, too
  expect_same("whole", "shared");
}

TEST_F(Prepare, ALookThatShowsNothingIsNamedAndTheRestIsMade) {
  const auto look = [&](const char* name, const char* opacity) {
    std::ofstream(file(name)) << "layers:\n  - organs: [all]\n    opacity: " << opacity
                              << "\n    color: [[0, \"#ffffff\"]]\n";
    return file(name).string();
  };
  const std::string looks = "bone," + look("nothing.yaml", "[[0, 0]]") + "," +
                            look("opaque.yaml", "[[-2000, 1]]");  // as dense as a medium can be, air too
  expect_sentence(command("set", "", looks), 2, "shows nothing");
  for (const char* name : {"a-bone", "a-opaque", "b-bone", "b-opaque"}) {
    EXPECT_TRUE(fs::exists(out("set") + "/" + name + "/case.json")) << name;
  }
  EXPECT_FALSE(fs::exists(out("set") + "/a-nothing/case.json"));
  fs::remove_all(out("set") + "/a-nothing");
  fs::remove_all(out("set") + "/b-nothing");
  succeed(std::string(RENDERFM_PREPARE) + " --verify --out " + out("set"));
}

TEST_F(Prepare, AScanOfAirAloneIsASentence) {
  NiftiBytes({12, 12, 12}, std::vector<std::int16_t>(1728, -1000)).save(file("air.nii"));
  expect_sentence(fmt::format("{} {} --out {}", RENDERFM_PREPARE, file("air.nii").string(), out("set")), 2,
                  "nothing but air");
}

/// A cube whose middle is an organ of the number, and its mask.
void save_labelled(const fs::path& ct, const fs::path& labels, std::int16_t number) {
  fs::create_directories(ct.parent_path());
  fs::create_directories(labels.parent_path());
  const std::int16_t side = 16;
  std::vector<std::int16_t> hu, mask;
  for (int n = 0; n < side * side * side; ++n) {
    const int i = n % side, j = n / side % side, k = n / side / side;
    const int from_edge = std::min({i, j, k, side - 1 - i, side - 1 - j, side - 1 - k});
    hu.push_back(from_edge < 2 ? std::int16_t{-1000} : std::int16_t{60});
    mask.push_back(from_edge < 4 ? std::int16_t{0} : number);
  }
  NiftiBytes({side, side, side}, hu).save(ct);
  NiftiBytes({side, side, side}, mask).save(labels);
}

// The layouts are those of the downloads; how each is read is tested beside the readers.
TEST_F(Prepare, PublicDataSetsAreTakenAsTheyLie) {
  const fs::path ts = file("Totalsegmentator_dataset_v201");
  save_labelled(ts / "s0011/ct.nii.gz", ts / "s0011/segmentations/liver.nii.gz", 1);
  save_labelled(ts / "s0012/ct.nii.gz", ts / "s0012/segmentations/liver.nii.gz", 1);
  std::ofstream(ts / "meta.csv") << "image_id;age;split\ns0011;50;train\ns0012;60;test\n";
  save_labelled(file("ctorg/volume-21.nii.gz"), file("ctorg/labels-21.nii.gz"), 1);
  save_labelled(file("nn/imagesTr/case_1_0000.nii.gz"), file("nn/labelsTr/case_1.nii.gz"), 3);
  std::ofstream(file("nn/dataset.json")) << R"({"channel_names": {"0": "CT"}, "file_ending": ".nii.gz",
                                                "labels": {"background": 0, "liver": 3}})";
  std::ofstream(file("all.yaml"))
      << "scans:\n  - totalsegmentator: Totalsegmentator_dataset_v201\n"
         "  - ct_org: ctorg\n  - {nnunet: nn, split: validation}\n"
         "scenes: {spacing: 4}\nlooks: {presets: [organs]}\n"
         "views: {train: 1, test: 1, size: [16, 16], samples: 1, test_samples: 1}\n";
  const std::string prepare = RENDERFM_PREPARE, to = " --out " + out("set");
  succeed(prepare + " --config " + file("all.yaml").string() + " --scans " + file("").string() + to);
  succeed(prepare + " --verify" + to);
  for (const auto& [name, split] : std::map<std::string, std::string>{
           {"s0011", "train"}, {"s0012", "test"}, {"ctorg_021", "train"}, {"case_1", "validation"}}) {
    const std::string text = test::read_file(out("set") + "/" + name + "/case.json");
    EXPECT_NE(text.find("\"split\": \"" + split + "\""), std::string::npos) << name;
    EXPECT_NE(text.find("\"liver\""), std::string::npos) << name;
  }
  // The paper's config starts unchanged: 2 boxes and the whole of 2 looks, and of 2 more of the test scan.
  const Outcome paper = run(fmt::format("{} --config {}/configs/prepare/paper.yaml --out {} --shard 0/1000",
                                        prepare, RENDERFM_SOURCE_DIR, out("paper")),
                            fmt::format("RENDERFM_SCANS={} ", file("").string()));
  EXPECT_EQ(paper.exit_code, 0) << paper.err;
  EXPECT_NE(paper.err.find("18 cases in all"), std::string::npos) << paper.err;
}

TEST_F(Prepare, AFullDiskEndsItWithASentenceAndItGoesOnLater) {
  const Outcome full = run(command("set"), "trap '' XFSZ; ulimit -f 4; ");
  EXPECT_EQ(full.exit_code, 3) << full.err;
  EXPECT_NE(full.err.find("goes on from here"), std::string::npos) << full.err;
  succeed(command("set"));
  succeed(std::string(RENDERFM_PREPARE) + " --verify --out " + out("set"));
}

TEST_F(Prepare, DamageIsFoundByVerify) {
  succeed(command("set"));
  std::ofstream(out("set") + "/a/views/001.png", std::ios::app) << "x";
  const Outcome outcome = run(std::string(RENDERFM_PREPARE) + " --verify --out " + out("set"));
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.out.find("a: views/001.png was changed"), std::string::npos) << outcome.out;
}

TEST_F(Prepare, MistakesAreToldBeforeAnythingIsMade) {
  std::ofstream(file("a.yaml")) << "scans: [{phantoms: 1}]\nviews: {trian: 3}\n";
  const std::string prepare = RENDERFM_PREPARE, to = " --out " + out("set");
  expect_sentence(prepare + " --config " + file("a.yaml").string() + to, 2, "did you mean 'train'");
  expect_sentence(prepare + to, 1, "name CTs");
  expect_sentence(prepare + " --config " + file("a.yaml").string() + " --views 3" + to, 1,
                  "leave --views out");
  expect_sentence(prepare + " --phantom 0" + to, 2, "not a number of phantoms");
  expect_sentence(prepare + " --phantom -1" + to, 2, "not a number of phantoms");
  expect_sentence(prepare + " missing.nii.gz" + to, 2, "there is no such scan");
  expect_sentence(prepare + " --phantom 1 --tf bonne" + to, 2, "bonne");
  expect_sentence(prepare + " --phantom 1 --size 24" + to, 2, "WIDTHxHEIGHT");
  expect_sentence(prepare + " --phantom 1 --spacing 0" + to, 2, "--spacing 0");
  expect_sentence(prepare + " --phantom 1 --light neon" + to, 2, "neon");
  expect_sentence(prepare + " --phantom 1 --shard 4/4" + to, 2, "shards count from 0");
  expect_sentence(prepare + " --verify --out " + out("none"), 2, "no such folder");
  EXPECT_FALSE(fs::exists(out("set")));
}

}  // namespace
}  // namespace renderfm
