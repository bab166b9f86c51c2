// Progress as another program reads it.
#include "renderfm/core/progress.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "renderfm/core/check.h"
#include "renderfm/core/log.h"

namespace renderfm {
namespace {

/// What was written to the pipe by `body`, line by line.
std::vector<std::string> reported(const std::function<void()>& body) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  report_progress_to(ends[1]);
  set_verbosity(Verbosity::kQuiet);
  body();
  set_verbosity(Verbosity::kNormal);
  report_progress_to(-1);
  ::close(ends[1]);
  std::string text(1 << 16, '\0');
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, ::read(ends[0], text.data(), text.size()))));
  ::close(ends[0]);
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(ProgressReport, TellsStartAndEndOfAQuickStepEvenWhenQuiet) {
  const std::vector<std::string> lines = reported([] {
    Progress progress("path tracing", 3);
    progress.advance(3);
  });
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], R"({"step":"path tracing","done":0,"total":3,"seconds_left":0.0,"note":""})");
  EXPECT_EQ(lines[1], R"({"step":"path tracing","done":3,"total":3,"seconds_left":0.0,"note":""})");
}

TEST(ProgressReport, TellsTheTimeLeftAndTheNoteOnTheWay) {
  const std::vector<std::string> lines = reported([] {
    Progress progress("tuning", 4);
    progress.note("28 \"dB\"\n");
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
    progress.advance(1);
    progress.advance(1);
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
    progress.advance(1);
  });
  ASSERT_EQ(lines.size(), 4U);  // the second step came too soon after the first
  EXPECT_NE(lines[1].find(R"("done":1,"total":4,"seconds_left":0.)"), std::string::npos) << lines[1];
  EXPECT_NE(lines[1].find(R"("note":"28 \"dB\" ")"), std::string::npos) << lines[1];
  EXPECT_NE(lines[2].find(R"("done":3)"), std::string::npos) << lines[2];
}

TEST(ProgressReport, StepsOfAnEarlierRunAreNoMeasureOfTheTimeLeft) {
  const std::vector<std::string> lines = reported([] {
    Progress progress("tuning", 1000);
    progress.skip(990);
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    progress.advance(1);
  });
  ASSERT_EQ(lines.size(), 3U);
  // One step in 0.4 s or more, nine to go: not a thousandth of that.
  const std::string key = "\"seconds_left\":";
  EXPECT_GE(std::stod(lines[1].substr(lines[1].find(key) + key.size())), 3.6) << lines[1];
}

TEST(ProgressReport, GoesOnWhenTheReaderIsGone) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  report_progress_to(ends[1]);
  { Progress("x", 1).advance(); }
  report_progress_to(-1);
  ::close(ends[1]);
}

TEST(ProgressReport, RefusesADescriptorThatIsNotOpen) { EXPECT_THROW(report_progress_to(987), Error); }

}  // namespace
}  // namespace renderfm
