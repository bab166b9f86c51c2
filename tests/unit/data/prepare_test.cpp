// Making, resuming, sharding and checking data sets, with pictures that cost nothing.
#include "renderfm/data/prepare.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <map>

#include "renderfm/core/parallel.h"
#include "renderfm/data/case.h"
#include "renderfm/data/verify.h"
#include "support/program.h"
#include "support/scan_files.h"
#include "support/small_scan.h"
#include "unit/data/cheap_renderer.h"

namespace renderfm {
namespace {

namespace fs = std::filesystem;

/// Two scans: cubes of bone in air, since a phantom takes longer to make. Made before any process is forked.
class Scans {
 public:
  Scans() {
    std::string pattern = (fs::temp_directory_path() / "renderfm_scans_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    test::cube_scan(24).save(folder_ / "scan_a.nii");
    test::cube_scan(28).save(folder_ / "scan_b.nii");
  }
  ~Scans() { fs::remove_all(folder_); }
  std::string file(const char* name) const { return (folder_ / name).string(); }

 private:
  fs::path folder_;
} g_scans;

data::PrepareConfig tiny_config() {
  return data::prepare_config(
      ConfigNode::parse(fmt::format(R"(
scans:
  - {{ct: "{}", split: train}}
  - {{ct: "{}", split: test, views: {{train: 2, test: 3}}}}
scenes: {{spacing: 4, boxes: 1, box_voxels: 12, halo_voxels: 4, whole: 1, whole_spacing_mm: 4}}
looks: {{presets: [bone], random: 1, unseen: 1, organ_subsets: 0.5}}
views: {{train: 3, test: 2, close_ups: 0.5, size: [24, 16], samples: 2, test_samples: 4, maps: true}}
points: 200)",
                                    g_scans.file("scan_a.nii"), g_scans.file("scan_b.nii")),
                        "tiny"));
}

/// Path within the folder -> contents, locks apart.
std::map<std::string, std::string> contents_of(const fs::path& folder) {
  std::map<std::string, std::string> contents;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = fs::relative(entry.path(), folder).string();
    if (entry.is_regular_file() && !name.starts_with(".locks"))
      contents[name] = test::read_file(entry.path());
  }
  return contents;
}

void expect_same(const fs::path& a, const fs::path& b) {
  const auto left = contents_of(a), right = contents_of(b);
  for (const auto& [name, text] : left) {
    const auto found = right.find(name);
    ASSERT_NE(found, right.end()) << name << " is in " << a << " alone";
    EXPECT_EQ(text == found->second, true) << name << " differs";
  }
  for (const auto& [name, text] : right)
    EXPECT_EQ(left.count(name), 1U) << name << " is in " << b << " alone";
}

/// In a forked process: the threads of its parent, if it had any, did not come along.
void use_one_thread() {
  set_thread_count(1);
  at::set_num_threads(1);
}

/// Runs prepare in a process of its own, which may be killed; returns its id.
pid_t start_process(const data::PrepareRun& run, int pause_us) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  use_one_thread();
  int code = 0;
  try {
    data::prepare(tiny_config(), run, test::cheap_renderer(pause_us));
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    code = 1;
  }
  ::_exit(code);
}

int exit_code_of(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int count_views(const fs::path& folder) {
  int count = 0;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
    const fs::path& path = entry.path();
    count += path.parent_path().filename() == "views" && path.filename().string().front() != '.' ? 1 : 0;
  }
  return count;
}

TEST(Prepare, MakesCasesThatVerifyAndKeepsThemTheNextTime) {
  const test::ScratchFolder scratch;
  const data::PrepareRun run{scratch / "set", 0, 1, false};
  const data::PrepareSummary first = data::prepare(tiny_config(), run, test::cheap_renderer());
  EXPECT_EQ(first.made, 10);  // train: (bone, seen) x (box, whole); test: (bone, seen, unseen) x (box, whole)
  EXPECT_EQ(first.views_made, 50);
  EXPECT_TRUE(fs::exists(first.contact_sheet));
  const data::VerifySummary verified = data::verify_dataset(run.out);
  EXPECT_EQ(verified.cases, 10);
  EXPECT_EQ(verified.views, 50);
  EXPECT_TRUE(verified.problems.empty()) << verified.problems.front();

  const auto before = contents_of(run.out);
  const data::PrepareSummary second = data::prepare(tiny_config(), run, test::cheap_renderer());
  EXPECT_EQ(second.kept, 10);
  EXPECT_EQ(second.made, 0);
  EXPECT_EQ(contents_of(run.out), before);

  for (const fs::path& folder : data::find_cases(run.out)) {
    const data::Case content = data::load_case(folder);
    EXPECT_EQ(content.split, content.scan == "scan_a" ? "train" : "test");
    if (content.tf_family == "unseen") {
      EXPECT_EQ(content.split, "test");
    }
    EXPECT_EQ(content.train_views.size(), content.scan == "scan_a" ? 3U : 2U);
    EXPECT_EQ(content.close_ups, 2);  // one of three, one of two
    EXPECT_TRUE(content.maps);
    EXPECT_EQ(content.files.size(), data::case_file_names().size() + 15);
    const bool box = content.name.find("box") != std::string::npos;
    if (box) {
      EXPECT_EQ(content.box.shape_zyx, (std::array<std::int64_t, 3>{12, 12, 12}));
    }
    // The halo is there wherever the scan goes on; 4 voxels on one side at least.
    EXPECT_EQ(content.geometry.voxel_count() > content.box.voxel_count(), box) << content.name;
  }
}

TEST(Prepare, ShowsEveryPresetWithEverySelectionOfOrgans) {
  const test::ScratchFolder scratch;
  data::PrepareConfig config = tiny_config();
  config.scans.resize(1);
  config.scenes.boxes = 0;
  config.looks = {.presets = {"bone"}, .organs = {"all", "skeleton"}};
  const data::PrepareRun run{scratch / "set", 0, 1, false};
  EXPECT_EQ(data::prepare(config, run, test::cheap_renderer()).made, 2);
  EXPECT_TRUE(data::verify_dataset(run.out).problems.empty());
  const data::Case whole = data::load_case(run.out / "scan_a-bone");
  const data::Case part = data::load_case(run.out / "scan_a-bone-skeleton");
  EXPECT_EQ(whole.organs, std::vector<std::string>{"all"});
  EXPECT_EQ(part.organs, std::vector<std::string>{"skeleton"});
  // Seen from the same places.
  EXPECT_EQ(whole.view_sphere.radius_mm, part.view_sphere.radius_mm);
}

TEST(Prepare, DenoisesTrainingViewsAndNeverTestViews) {
  const test::ScratchFolder scratch;
  const data::PrepareRun raw{scratch / "raw", 0, 1, false}, clean{scratch / "clean", 0, 1, false};
  data::prepare(tiny_config(), raw, test::cheap_renderer());
  data::prepare(tiny_config(), clean, test::cheap_renderer(0, "a denoiser"));
  const std::vector<fs::path> cases = data::find_cases(raw.out);
  ASSERT_FALSE(cases.empty());
  for (const fs::path& folder : cases) {
    const data::Case content = data::load_case(folder);
    const fs::path other = clean.out / fs::relative(folder, raw.out);
    EXPECT_EQ(data::load_case(other).rendering.train_denoiser, "a denoiser");
    const auto same_picture = [&](const data::View& view) {
      return test::read_file(view.image) == test::read_file(other / fs::relative(view.image, folder));
    };
    for (const data::View& view : content.train_views) EXPECT_FALSE(same_picture(view)) << view.image;
    for (const data::View& view : content.test_views) EXPECT_TRUE(same_picture(view)) << view.image;
  }
}

TEST(Prepare, IsTheSameAfterKillsAtAnyMoment) {
  const test::ScratchFolder scratch;
  const data::PrepareRun reference{scratch / "reference", 0, 1, false};
  ASSERT_EQ(exit_code_of(start_process(reference, 0)), 0);
  const data::PrepareRun killed{scratch / "killed", 0, 1, false};
  // Each process is killed a while after the last one's last view: while it reads, writes volumes or draws.
  int kills = 0;
  for (const int views_more : {0, 1, 4, 7, 3}) {
    const int wanted = count_views(killed.out) + views_more;
    const pid_t child = start_process(killed, 20000);
    for (int wait = 0; wait < 2000 && count_views(killed.out) < wanted; ++wait) ::usleep(5000);
    ::usleep(static_cast<useconds_t>(1000 * (1 + 13 * kills)));
    ::kill(child, SIGKILL);
    EXPECT_EQ(exit_code_of(child), 128 + SIGKILL);
    ++kills;
  }
  EXPECT_GT(count_views(killed.out), 10);
  EXPECT_NE(contents_of(killed.out), contents_of(reference.out));
  ASSERT_EQ(exit_code_of(start_process(killed, 0)), 0);
  expect_same(reference.out, killed.out);
}

TEST(Prepare, GivesTheSameForAnySplitAndForProcessesSideBySide) {
  const test::ScratchFolder scratch;
  const data::PrepareRun reference{scratch / "reference", 0, 1, false};
  ASSERT_EQ(exit_code_of(start_process(reference, 0)), 0);
  std::vector<pid_t> children;
  for (int shard = 0; shard < 3; ++shard)
    children.push_back(start_process({scratch / "shards", shard, 3, false}, 0));
  for (int n = 0; n < 2; ++n) children.push_back(start_process({scratch / "together", 0, 1, false}, 3000));
  for (const pid_t child : children) EXPECT_EQ(exit_code_of(child), 0);
  // The last shard to end may still have seen another at work; any call afterwards draws the sheet.
  ASSERT_EQ(exit_code_of(start_process({scratch / "shards", 0, 1, false}, 0)), 0);
  expect_same(reference.out, scratch / "shards");
  expect_same(reference.out, scratch / "together");
}

TEST(Prepare, KeepsFinishedViewsOfAHalfWrittenCase) {
  const test::ScratchFolder scratch;
  const data::PrepareRun run{scratch / "set", 0, 1, false};
  const pid_t child = start_process(run, 50000);
  for (int wait = 0; wait < 2000 && count_views(run.out) < 3; ++wait) ::usleep(5000);
  ::kill(child, SIGKILL);
  exit_code_of(child);
  const int kept = count_views(run.out);
  ASSERT_GE(kept, 3);
  EXPECT_FALSE(data::verify_dataset(run.out).problems.empty());
  const data::PrepareSummary summary = data::prepare(tiny_config(), run, test::cheap_renderer());
  EXPECT_EQ(summary.views_made + kept, 50);
}

TEST(Prepare, RemovesWhatKilledProcessesLeft) {
  const test::ScratchFolder scratch;
  data::PrepareConfig config = tiny_config();
  config.looks = {.presets = {"bone"}};
  config.scenes.whole = 0;
  const data::PrepareRun clean{scratch / "clean", 0, 1, false}, killed{scratch / "killed", 0, 1, false};
  data::prepare(config, clean, test::cheap_renderer());
  // While the page was drawn, and while the first file of a case was written.
  fs::create_directories(killed.out / "scan_b");
  for (const char* file :
       {".prepare.12.tmp.yaml", ".contact_sheet.12.tmp.png", "scan_b/.unfinished.12.tmp"}) {
    std::ofstream(killed.out / file) << "half of it";
  }
  EXPECT_EQ(data::prepare(config, killed, test::cheap_renderer()).made, 2);
  expect_same(clean.out, killed.out);
}

TEST(Prepare, RefusesToMixSettingsUnlessTold) {
  const test::ScratchFolder scratch;
  data::PrepareConfig config = tiny_config();
  config.looks = {.presets = {"bone"}};
  config.scenes.whole = 0;
  data::PrepareRun run{scratch / "set", 0, 1, false};
  data::prepare(config, run, test::cheap_renderer());
  const auto before = contents_of(run.out);
  const auto refused = [&] {
    const std::string error = test::error_of([&] { data::prepare(config, run, test::cheap_renderer()); });
    EXPECT_NE(error.find("made with other settings"), std::string::npos) << error;
    EXPECT_EQ(contents_of(run.out), before);
  };
  config.views.samples = 3;
  refused();
  config.views.samples = 2;
  config.views.maps = false;
  refused();
  run.overwrite = true;
  EXPECT_EQ(data::prepare(config, run, test::cheap_renderer()).made, 2);
  EXPECT_NE(contents_of(run.out), before);
  for (const auto& [name, text] : contents_of(run.out)) {
    EXPECT_EQ(name.find("/alpha/") + name.find("/depth/"), 2 * std::string::npos) << name;
  }
  EXPECT_TRUE(data::verify_dataset(run.out).problems.empty());
}

TEST(Prepare, PassesOverAScanThatCannotBeUsed) {
  const test::ScratchFolder scratch;
  std::ofstream(scratch / "broken.nii.gz") << "this is no scan";
  data::PrepareConfig config = tiny_config();
  config.looks = {.presets = {"bone"}};
  data::ScanEntry broken;
  broken.path = scratch / "broken.nii.gz";
  broken.split = "train";
  config.scans.insert(config.scans.begin(), broken);
  const std::string error = test::error_of([&] {
    data::prepare(config, {scratch / "set", 0, 1, false}, test::cheap_renderer());
  });
  EXPECT_EQ(error.substr(0, 2), "2 ");
  EXPECT_NE(error.find("2 of 6 cases could not be made"), std::string::npos) << error;
  EXPECT_EQ(data::find_cases(scratch / "set").size(), 4U);
}

// A disk that takes no more: the limit on file sizes gives the same kind of failure as a full one.
TEST(Prepare, OnAFullDiskSaysSoAndGoesOnLater) {
  const test::ScratchFolder scratch;
  const data::PrepareRun reference{scratch / "reference", 0, 1, false}, full{scratch / "full", 0, 1, false};
  ASSERT_EQ(exit_code_of(start_process(reference, 0)), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    use_one_thread();
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, 4096};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const std::string error =
        test::error_of([&] { data::prepare(tiny_config(), full, test::cheap_renderer()); });
    const bool good = error.starts_with("3 ") && error.find("goes on from here") != std::string::npos;
    if (!good) fmt::print(stderr, "{}\n", error);
    ::_exit(good ? 0 : 1);
  }
  EXPECT_EQ(exit_code_of(child), 0);
  for (const auto& [name, text] : contents_of(full.out)) {
    EXPECT_EQ(name.find(".tmp"), std::string::npos) << name;
  }
  ASSERT_EQ(exit_code_of(start_process(full, 0)), 0);
  expect_same(reference.out, full.out);
}

TEST(Verify, FindsEveryKindOfDamage) {
  const test::ScratchFolder scratch;
  data::PrepareConfig config = tiny_config();
  config.looks = {.presets = {"bone"}};
  config.scenes.boxes = 0;
  config.scans.pop_back();
  data::prepare(config, {scratch / "set", 0, 1, false}, test::cheap_renderer());
  const fs::path folder = data::find_cases(scratch / "set").front();
  ASSERT_TRUE(data::verify_case(folder).empty()) << data::verify_case(folder).front();
  const auto after = [&](const std::string& file, const std::function<void(std::string&)>& damage) {
    const std::string good = test::read_file(folder / file);
    std::string bad = good;
    damage(bad);
    if (bad.empty()) {
      fs::remove(folder / file);
    } else {
      std::ofstream(folder / file, std::ios::binary) << bad;
    }
    std::string sentences;
    for (const std::string& sentence : data::verify_case(folder)) sentences += sentence + "\n";
    std::ofstream(folder / file, std::ios::binary) << good;
    return sentences;
  };
  const auto remove = [](std::string& text) { text.clear(); };
  const auto replace = [](const std::string& from, const std::string& to) {
    return [=](std::string& text) {
      ASSERT_NE(text.find(from), std::string::npos) << from;
      text.replace(text.find(from), from.size(), to);
    };
  };
  EXPECT_NE(after("views/003.png", remove).find("views/003.png is missing"), std::string::npos);
  EXPECT_NE(after("views/001.png", [](std::string& t) { t[t.size() / 2] ^= 1; }).find("changed or damaged"),
            std::string::npos);
  EXPECT_NE(after("alpha/004.png", remove).find("alpha/004.png is missing"), std::string::npos);
  const std::string depth = after("depth/002.pfm", [](std::string& t) {  // its first pixels become 0 mm
    t.replace(t.size() - 24 * 16 * 4, 96, 96, '\0');
  });
  EXPECT_NE(depth.find("depth/002.pfm was changed or damaged"), std::string::npos);
  EXPECT_NE(depth.find("view 002: depth is no distance"), std::string::npos);
  EXPECT_NE(after("ct.nii.gz", [](std::string& t) { t.resize(t.size() / 2); }).find("ct.nii.gz"),
            std::string::npos);
  EXPECT_NE(after("points3d.ply", [](std::string& t) { t.resize(t.size() - 5); }).find("truncated"),
            std::string::npos);
  EXPECT_NE(after("tf.yaml", replace("opacity", "opacty")).find("did you mean 'opacity'"), std::string::npos);
  EXPECT_NE(after("case.json", replace("\"view_sphere\": [", "\"view_sphere\": [9, 9, 9, 50],\n \"old\": ["))
                .find("does not look at"),
            std::string::npos);
  EXPECT_NE(after("case.json", replace("\"least_test_angle_deg\": ", "\"least_test_angle_deg\": 9"))
                .find("degrees from"),
            std::string::npos);
  EXPECT_NE(after("case.json", replace("\"close_ups\": 2", "\"close_ups\": 0")).find("2 views are nearer"),
            std::string::npos);
  EXPECT_NE(after("case.json", remove).find("no finished case"), std::string::npos);
  EXPECT_TRUE(data::verify_case(folder).empty());
}

TEST(Shard, ComesFromTheOptionOrTheSlurmArray) {
  const auto shard_of = [](const std::string& text) {
    data::PrepareRun run;
    data::set_shard(run, text);
    return std::pair(run.shard, run.shards);
  };
  EXPECT_EQ(shard_of(""), std::pair(0, 1));
  EXPECT_EQ(shard_of("3/16"), std::pair(3, 16));
  EXPECT_EQ(test::error_of([&] { shard_of("4/4"); }).substr(0, 2), "2 ");
  EXPECT_EQ(test::error_of([&] { shard_of("x/4"); }).substr(0, 2), "2 ");
  EXPECT_EQ(test::error_of([&] { shard_of("4"); }).substr(0, 2), "2 ");
  ::setenv("SLURM_ARRAY_TASK_ID", "9", 1);
  ::setenv("SLURM_ARRAY_TASK_MIN", "1", 1);
  ::setenv("SLURM_ARRAY_TASK_STEP", "4", 1);
  ::setenv("SLURM_ARRAY_TASK_COUNT", "5", 1);
  EXPECT_EQ(shard_of(""), std::pair(2, 5));
  EXPECT_EQ(shard_of("0/2"), std::pair(0, 2));
  for (const char* name : {"ID", "MIN", "STEP", "COUNT"})
    ::unsetenv((std::string("SLURM_ARRAY_TASK_") + name).c_str());
}

}  // namespace
}  // namespace renderfm
