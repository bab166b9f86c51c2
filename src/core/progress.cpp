#include "renderfm/core/progress.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <string_view>

#include "renderfm/core/check.h"
#include "renderfm/core/log.h"

namespace renderfm {
namespace {

constexpr double kTerminalInterval_s = 0.2;
constexpr double kPlainInterval_s = 5.0;
constexpr double kReportInterval_s = 0.2;

std::atomic<int> g_report_fd{-1};

double seconds_between(std::chrono::steady_clock::time_point from, std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return out + '"';
}

}  // namespace

Progress::Progress(std::string label, std::int64_t total)
    : label_(std::move(label)),
      total_(std::max<std::int64_t>(1, total)),
      start_(std::chrono::steady_clock::now()),
      last_print_(start_),
      last_report_(start_),
      terminal_(::isatty(STDERR_FILENO) == 1) {
  report(0);
}

Progress::~Progress() {
  report(seconds_between(start_, std::chrono::steady_clock::now()));
  if (printed_ && terminal_) std::fputs("\r\033[K", stderr);
}

void Progress::advance(std::int64_t steps) {
  const std::lock_guard lock(mutex_);
  done_ += steps;
  const auto now = std::chrono::steady_clock::now();
  const double since_print_s = seconds_between(last_print_, now);
  const double elapsed_s = seconds_between(start_, now);
  if (seconds_between(last_report_, now) >= kReportInterval_s) {
    last_report_ = now;
    report(elapsed_s);
  }
  if (verbosity() == Verbosity::kQuiet) return;
  if (elapsed_s < 1.0 || since_print_s < (terminal_ ? kTerminalInterval_s : kPlainInterval_s)) return;
  last_print_ = now;
  print(elapsed_s);
}

void Progress::skip(std::int64_t steps) {
  {
    const std::lock_guard lock(mutex_);
    skipped_ += steps;
  }
  advance(steps);
}

double Progress::share() const {
  return std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
}

double Progress::left_s(double elapsed_s) const {
  const auto taken = static_cast<double>(done_ - skipped_);
  return taken > 0 ? elapsed_s * std::max(0.0, static_cast<double>(total_ - done_)) / taken : 0.0;
}

void Progress::note(std::string text) {
  const std::lock_guard lock(mutex_);
  note_ = std::move(text);
}

void Progress::print(double elapsed_s) {
  printed_ = true;
  const std::string text = fmt::format("{} {:3.0f} % ({}/{}), {:.0f} s left{}{}", label_, 100 * share(),
                                       done_, total_, left_s(elapsed_s), note_.empty() ? "" : ", ", note_);
  if (terminal_) {
    fmt::print(stderr, "\r{}\033[K", text);
  } else {
    fmt::print(stderr, "{}\n", text);
  }
  std::fflush(stderr);
}

void Progress::report(double elapsed_s) const {
  const int fd = g_report_fd;
  if (fd < 0) return;
  // Shorter than PIPE_BUF: lines of several threads do not mix.
  const std::string line =
      fmt::format("{{\"step\":{},\"done\":{},\"total\":{},\"seconds_left\":{:.1f},\"note\":{}}}\n",
                  quoted(label_), std::min(done_, total_), total_, left_s(elapsed_s), quoted(note_));
  (void)!::write(fd, line.data(), line.size());
}

void report_progress_to(int fd) {
  if (fd >= 0) {
    if (::fcntl(fd, F_GETFD) < 0) fail_usage("file descriptor {} is not open for progress", fd);
    ::signal(SIGPIPE, SIG_IGN);
  }
  g_report_fd = fd;
}

}  // namespace renderfm
