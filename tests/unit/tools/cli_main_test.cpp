#include "common/cli_main.h"

#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "renderfm/core/check.h"
#include "renderfm/core/log.h"
#include "renderfm/core/parallel.h"

namespace renderfm::tools {
namespace {

struct Outcome {
  int code = -1;
  std::string out, err;
  bool body_ran = false;
  CommonOptions common;
  double spacing_mm = 0;
};

Outcome run(
    std::vector<std::string> arguments, const std::function<void()>& body = [] {}) {
  arguments.insert(arguments.begin(), "renderfm-probe");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  Outcome outcome;
  outcome.spacing_mm = 1.5;
  std::string input, device = "auto";
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  outcome.code =
      run_tool(static_cast<int>(argv.size()), argv.data(),
               {"renderfm-probe", "Probes.", "  renderfm-probe scan.nii.gz\n"},
               [&](CLI::App& app, const CommonOptions& common) {
                 app.add_option("IN", input, "What to probe")->required();
                 app.add_option("--spacing", outcome.spacing_mm, "Voxel size in mm");
                 app.add_option("--device", device, "Where")->check(CLI::IsMember({"auto", "cpu"}));
                 return [&outcome, &common, &body] {
                   outcome.body_ran = true;
                   outcome.common = common;
                   body();
                 };
               });
  outcome.out = testing::internal::GetCapturedStdout();
  outcome.err = testing::internal::GetCapturedStderr();
  set_verbosity(Verbosity::kNormal);
  set_thread_count(0);
  return outcome;
}

void expect_one_sentence(const Outcome& outcome, int code, const std::string& part) {
  EXPECT_EQ(outcome.code, code) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_NE(outcome.err.find(part), std::string::npos) << "'" << part << "' is not in: " << outcome.err;
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  EXPECT_NE(outcome.err.find("error: "), std::string::npos);
}

TEST(RunTool, RunsTheBodyWithTheOptionsApplied) {
  const Outcome outcome = run({"scan", "--seed", "7", "--threads", "3", "--spacing", "2", "-v"}, [] {
    EXPECT_EQ(thread_count(), 3);
    EXPECT_EQ(verbosity(), Verbosity::kVerbose);
  });
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(outcome.body_ran);
  EXPECT_EQ(outcome.common.seed, 7U);
  EXPECT_EQ(outcome.common.threads, 3);
  EXPECT_EQ(outcome.spacing_mm, 2);
}

TEST(RunTool, QuietSilencesAllButWarnings) {
  const Outcome outcome = run({"scan", "-q"}, [] {
    log_info("hidden");
    log_warning("shown");
  });
  EXPECT_EQ(outcome.err.find("hidden"), std::string::npos);
  EXPECT_NE(outcome.err.find("shown"), std::string::npos);
}

TEST(RunTool, HelpGoesToStdoutWithExamplesAndRunsNothing) {
  const Outcome outcome = run({"--help"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_FALSE(outcome.body_ran);
  EXPECT_EQ(outcome.err, "");
  for (const char* part : {"Probes.", "Examples:", "renderfm-probe scan.nii.gz", "--spacing", "--seed",
                           "--threads", "--verbose", "--quiet", "--version"}) {
    EXPECT_NE(outcome.out.find(part), std::string::npos) << part;
  }
}

TEST(RunTool, VersionGoesToStdoutAndRunsNothing) {
  const Outcome outcome = run({"--version"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_FALSE(outcome.body_ran);
  EXPECT_EQ(outcome.out.rfind("renderfm-probe ", 0), 0U) << outcome.out;
  EXPECT_NE(outcome.out.find("torch 2."), std::string::npos) << outcome.out;
}

TEST(RunTool, WrongUsageIsOneSentenceAndCodeOne) {
  expect_one_sentence(run({}), 1, "IN is required");
  expect_one_sentence(run({"scan", "--spcing", "2"}), 1, "did you mean '--spacing'");
  expect_one_sentence(run({"scan", "another"}), 1, "'another'");
  expect_one_sentence(run({"scan", "--spacing"}), 1, "--spacing");
  expect_one_sentence(run({"scan", "-v", "-q"}), 1, "exclude");
}

TEST(RunTool, AValueThatCannotBeIsOneSentenceAndCodeTwo) {
  expect_one_sentence(run({"scan", "--spacing", "fine"}), 2, "--spacing = fine is not a number");
  expect_one_sentence(run({"scan", "--device", "abacus"}), 2, "abacus");
  expect_one_sentence(run({"scan", "--threads", "-1"}), 2, "--threads");
}

TEST(RunTool, AnErrorOfTheLibraryDecidesTheCode) {
  expect_one_sentence(run({"scan"}, [] { fail_usage("wrong {}", "word"); }), 1, "wrong word");
  expect_one_sentence(run({"scan"}, [] { fail_input("bad scan"); }), 2, "bad scan");
  expect_one_sentence(run({"scan"}, [] { fail_runtime("disk full"); }), 3, "disk full");
}

TEST(RunTool, ForeignExceptionsAreOneSentenceAndCodeThree) {
  expect_one_sentence(run({"scan"}, [] { throw std::bad_alloc(); }), 3, "not enough memory");
  expect_one_sentence(run({"scan"}, [] { throw std::runtime_error("first\nsecond\nthird"); }), 3, "first");
  expect_one_sentence(run({"scan"}, [] { TORCH_CHECK(false, "sizes differ\nmore"); }), 3, "sizes differ");
  expect_one_sentence(run({"scan"}, [] { TORCH_CHECK(false, "DefaultCPUAllocator: can't allocate memory"); }),
                      3, "not enough memory");
}

}  // namespace
}  // namespace renderfm::tools
