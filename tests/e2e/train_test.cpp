// renderfm-train as a user runs it.
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <map>

#include "renderfm/core/sha256.h"
#include "support/program.h"
#include "unit/data/case_folder.h"

namespace renderfm {
namespace {

namespace fs = std::filesystem;

class Train : public test::ProgramTest {
 protected:
  // A phantom takes as long as all the rest: it is made once, and cut to the box and a little around it.
  static const data::Case& phantom() {
    static const data::Case content = [] {
      data::Case small = test::small_case("");
      const VoxelBox stored = grown(small.box, 2, small.geometry);
      small.ct = crop(small.ct, stored);
      small.labels_volume = crop(small.labels_volume, stored);
      small.labels = small.labels_volume.names;
      small.geometry = small.ct.geometry;
      small.box.begin_zyx = {2, 2, 2};
      return small;
    }();
    return content;
  }
  static void write_case(const fs::path& folder, bool maps) {
    data::Case content = phantom();
    content.folder = folder;
    content.maps = maps;
    for (auto* views : {&content.train_views, &content.test_views}) {
      for (data::View& view : *views) view = data::make_view(view.camera, view.name, folder, maps);
    }
    test::write_case(content);
  }
  Train() {
    write_case(folder_ / "data/one", true);
    std::ofstream(folder_ / "tiny.yaml") << "name: tiny\n"
                                            "plan: {patch_zyx: [16, 16, 16], spacing_mm: 6,\n"
                                            "       network: {base_features: 4, stages: 2}}\n"
                                            "optimizer: {steps: 2, batch: 1, views: 2, warmup_steps: 0}\n"
                                            "loss: {depth: 0.1}\n"
                                            "validation: {every: 2}\n";
  }
  test::Outcome train(const std::string& arguments, const std::string& before = "") const {
    return run(fmt::format("{} {}", RENDERFM_TRAIN, arguments), before);
  }
  std::string usual() const {
    return fmt::format("--config {} --data {} --out {}", file("tiny.yaml").string(), file("data").string(),
                       out("run"));
  }
};

TEST_F(Train, LeavesARunWhoseNetworkInferUses) {
  const test::Outcome trained = train(usual());
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  for (const char* name :
       {"config.yaml", "metrics.jsonl", "curve.svg", "checkpoints/step-00000002.safetensors",
        "pictures/step-00000000.png", "pictures/step-00000002.png"}) {
    EXPECT_TRUE(fs::exists(out_folder() / "run" / name)) << name;
  }
  // One record for each validation, and for the first and the last step.
  const std::string metrics = test::read_file(out_folder() / "run/metrics.jsonl");
  EXPECT_EQ(test::count_lines_with(metrics, "\"step\""), 4);
  EXPECT_EQ(test::count_lines_with(metrics, "\"depth\""), 2) << metrics;
  const test::Outcome inferred = run(fmt::format("{} {} {} --tf bone --model {}", RENDERFM_INFER,
                                                 (file("data") / "one/ct.nii.gz").string(), out("one.ply"),
                                                 out("run/checkpoints/step-00000002.safetensors")));
  ASSERT_EQ(inferred.exit_code, 0) << inferred.err;
  EXPECT_NE(inferred.out.find("model tiny"), std::string::npos) << inferred.out;

  // The end of the schedule is where it stands; more steps go on; a second start is refused.
  EXPECT_EQ(train(usual() + " --resume auto").exit_code, 0);
  const test::Outcome again = train(usual());
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_NE(again.err.find("--resume auto"), std::string::npos) << again.err;
  const test::Outcome more = train(usual() + " --resume auto --set optimizer.steps=3");
  EXPECT_EQ(more.exit_code, 0) << more.err;
  EXPECT_NE(more.err.find("steps: 3"), std::string::npos) << "a changed config is not mentioned\n"
                                                          << more.err;
  EXPECT_TRUE(fs::exists(out_folder() / "run/checkpoints/step-00000003.safetensors"));
  const test::Outcome started = train(
      fmt::format("--config {} --data {} --out {} --init {}", file("tiny.yaml").string(),
                  file("data").string(), out("next"), out("run/checkpoints/step-00000003.safetensors")));
  EXPECT_EQ(started.exit_code, 0) << started.err;

  // What ships of it is half as large as its weights alone, and a start for further training.
  const std::string checkpoint = out("run/checkpoints/step-00000003.safetensors"),
                    model = out("model.safetensors");
  const std::string exporting = fmt::format("--export {} --name small --out {}", checkpoint, model);
  EXPECT_EQ(train(exporting).exit_code, 0);
  EXPECT_LT(fs::file_size(model) * 4, fs::file_size(checkpoint));
  EXPECT_EQ(train(exporting).exit_code, 2) << "a model was overwritten";
  EXPECT_EQ(train(fmt::format("--config {} --data {} --out {} --init {}", file("tiny.yaml").string(),
                              file("data").string(), out("from_model"), model))
                .exit_code,
            0);
  const auto infer = [&](const std::string& name, const std::string& before) {
    const std::string ct = (file("data") / "one/ct.nii.gz").string();
    return run(fmt::format("{} {} {} --tf bone", RENDERFM_INFER, ct, out(name)), before).err;
  };
  const std::string told = infer("two.ply", "RENDERFM_MODEL=" + model + " ");
  EXPECT_NE(told.find("small (sha256 " + sha256_of_file(model).substr(0, 12) + ")"), std::string::npos)
      << told;
  EXPECT_NE(infer("three.ply", "RENDERFM_MODEL=primed ").find("model: none"), std::string::npos);
  EXPECT_NE(test::read_file(out("two.ply")).substr(0, 4096).find("small (sha256"), std::string::npos);
}

// The first process is halted, so that nothing but the second one can change the folder.
TEST_F(Train, ASecondProcessInAFolderStopsAndTouchesNothing) {
  const fs::path folder = out_folder() / "run";
  const std::string command = fmt::format("exec {} {} --set optimizer.steps=1000000 2>{}", RENDERFM_TRAIN,
                                          usual(), file("first").string());
  const pid_t first = ::fork();
  if (first == 0) {
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  while (test::read_file(folder / "metrics.jsonl").empty()) {
    ASSERT_EQ(::waitpid(first, &status, WNOHANG), 0) << test::read_file(file("first"));
    ::usleep(20000);
  }
  ::kill(first, SIGSTOP);
  ::waitpid(first, &status, WUNTRACED);
  ASSERT_TRUE(WIFSTOPPED(status)) << test::read_file(file("first"));
  const auto contents = [&] {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file()) files[entry.path().string()] = test::read_file(entry.path());
    }
    return files;
  };
  const auto before = contents();
  const test::Outcome second = train(usual() + " --resume auto");
  EXPECT_EQ(second.exit_code, 2) << second.err;
  EXPECT_NE(second.err.find(fmt::format("process {} on ", first)), std::string::npos) << second.err;
  EXPECT_NE(second.err.find("trains in " + folder.string()), std::string::npos) << second.err;
  EXPECT_TRUE(contents() == before) << "the second process changed the folder of the first";
  ::kill(first, SIGKILL);
  ::waitpid(first, &status, 0);
  const test::Outcome after = train(usual() + " --resume auto");
  EXPECT_EQ(after.exit_code, 0) << after.err;
  EXPECT_TRUE(fs::exists(folder / "checkpoints/step-00000002.safetensors"));
}

TEST_F(Train, SaysInOneSentenceWhatIsWrong) {
  const auto expect = [&](const std::string& arguments, int code, const std::string& words,
                          const std::string& before = "") {
    const test::Outcome outcome = train(arguments, before);
    EXPECT_EQ(outcome.exit_code, code) << arguments << "\n" << outcome.err;
    EXPECT_NE(outcome.err.find(words), std::string::npos) << arguments << "\n" << outcome.err;
  };
  expect("", 1, "--config");
  expect("--config absent.yaml --out x", 2, "cannot read the config");
  expect(usual() + " --set optimizer.stesp=3", 2, "did you mean 'optimizer.steps'");
  expect(usual() + " --resume auto --init x", 1, "exclude each other");
  expect(usual() + " --resume absent.safetensors", 2, "there is no checkpoint");
  expect(usual() + " --init " + (file("data") / "one/ct.nii.gz").string(), 2, "not a Render-FM checkpoint");
  expect(fmt::format("--config {} --data {} --out {}", file("tiny.yaml").string(), out(""), out("run")), 2,
         "no finished case");
  expect(usual(), 2, "cannot be", "RANK=3 WORLD_SIZE=2 MASTER_ADDR=localhost MASTER_PORT=1 ");
  write_case(folder_ / "bare/one", false);
  expect(fmt::format("--config {} --data {} --out {}", file("tiny.yaml").string(), file("bare").string(),
                     out("run")),
         2, "bare/one has no maps of alpha and depth");
  fs::remove(file("data") / "one/ct.nii.gz");
  expect(usual(), 2, "ct.nii.gz");
}

TEST_F(Train, PrintsWhereTheTimeGoesAndLeavesNothing) {
  const test::Outcome outcome = train(usual() + " --benchmark 2");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("samples per second"), std::string::npos);
  EXPECT_NE(outcome.out.find("waiting for samples"), std::string::npos);
  EXPECT_TRUE(fs::is_empty(out_folder()));
}

}  // namespace
}  // namespace renderfm
