#include "renderfm/core/progress.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "renderfm/core/log.h"

namespace renderfm {
namespace {
constexpr double kTerminalInterval_s = 0.2;
constexpr double kPlainInterval_s = 5.0;
}  // namespace

Progress::Progress(std::string label, std::int64_t total)
    : label_(std::move(label)),
      total_(std::max<std::int64_t>(1, total)),
      start_(std::chrono::steady_clock::now()),
      last_print_(start_),
      terminal_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (printed_ && terminal_) std::fputs("\r\033[K", stderr);
}

void Progress::advance(std::int64_t steps) {
  const std::lock_guard lock(mutex_);
  done_ += steps;
  if (verbosity() == Verbosity::kQuiet) return;
  const auto now = std::chrono::steady_clock::now();
  const double since_print_s = std::chrono::duration<double>(now - last_print_).count();
  const double elapsed_s = std::chrono::duration<double>(now - start_).count();
  if (elapsed_s < 1.0 || since_print_s < (terminal_ ? kTerminalInterval_s : kPlainInterval_s)) return;
  last_print_ = now;
  print(elapsed_s);
}

void Progress::note(std::string text) {
  const std::lock_guard lock(mutex_);
  note_ = std::move(text);
}

void Progress::print(double elapsed_s) {
  printed_ = true;
  const double share = std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
  const double left_s = share > 0 ? elapsed_s * (1.0 - share) / share : 0.0;
  const std::string text = fmt::format("{} {:3.0f} % ({}/{}), {:.0f} s left{}{}", label_, 100 * share, done_,
                                       total_, left_s, note_.empty() ? "" : ", ", note_);
  if (terminal_) {
    fmt::print(stderr, "\r{}\033[K", text);
  } else {
    fmt::print(stderr, "{}\n", text);
  }
  std::fflush(stderr);
}

}  // namespace renderfm
