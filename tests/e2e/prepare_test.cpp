// renderfm-prepare as a user runs it: killed, resumed, split, on a full disk and with mistakes.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <map>

#include "renderfm/core/check.h"
#include "support/program.h"
#include "support/small_scan.h"

namespace renderfm {
namespace {

namespace fs = std::filesystem;
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
};

TEST_F(Prepare, KilledAtSeveralMomentsEndsInTheSameBytesForAnyThreadCount) {
  succeed(command("whole", "--threads 1"));
  succeed(std::string(RENDERFM_PREPARE) + " --verify --out " + out("whole"));
  int kills = 0;
  for (const double seconds : {0.05, 0.2, 0.3, 0.4, 0.6}) {
    // SIGKILL; the shell says 137.
    const Outcome outcome = run(fmt::format("timeout -s KILL {} ", seconds) + command("killed"));
    kills += outcome.exit_code == 137 ? 1 : 0;
  }
  EXPECT_GE(kills, 1);
  succeed(command("killed", "--threads 2"));
  EXPECT_TRUE(contents("whole") == contents("killed"));
}

TEST_F(Prepare, ShardsMakeTheSameDataSet) {
  succeed(command("whole"));
  succeed(command("shards", "--shard 1/2"));
  EXPECT_TRUE(fs::exists(out("shards") + "/b/case.json"));
  EXPECT_FALSE(fs::exists(out("shards") + "/a/case.json"));
  const Outcome second =
      run(command("shards"), "SLURM_ARRAY_TASK_ID=5 SLURM_ARRAY_TASK_MIN=5 SLURM_ARRAY_TASK_COUNT=2 ");
  EXPECT_EQ(second.exit_code, 0) << second.err;
  EXPECT_TRUE(contents("whole") == contents("shards"));
}

TEST_F(Prepare, ALookThatShowsNothingIsNamedAndTheRestIsMade) {
  std::ofstream(file("nothing.yaml")) << "layers:\n  - organs: [all]\n    opacity: [[0, 0]]\n"
                                         "    color: [[0, \"#ffffff\"]]\n";
  expect_sentence(command("set", "", "bone," + file("nothing.yaml").string()), 2, "shows nothing");
  EXPECT_TRUE(fs::exists(out("set") + "/a-bone/case.json"));
  EXPECT_FALSE(fs::exists(out("set") + "/a-nothing/case.json"));
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
