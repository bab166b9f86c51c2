// One progress line per long step, on stderr, with the time left.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace renderfm {

/// A line that redraws itself on a terminal; elsewhere a plain line every few seconds. Silent with -q and for
/// steps shorter than a second. Safe to advance from several threads.
class Progress {
 public:
  Progress(std::string label, std::int64_t total);
  ~Progress();  // ends the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void advance(std::int64_t steps = 1);
  /// Steps that an earlier run has taken: done, and no measure of how long the others take.
  void skip(std::int64_t steps);
  /// Shown behind the time left from now on: "28.1 dB".
  void note(std::string text);

 private:
  void print(double elapsed_s);
  void report(double elapsed_s) const;
  double share() const;
  double left_s(double elapsed_s) const;

  std::string label_, note_;
  std::int64_t total_, done_ = 0, skipped_ = 0;
  std::chrono::steady_clock::time_point start_, last_print_, last_report_;
  bool terminal_, printed_ = false;
  std::mutex mutex_;
};

/// For programs that run this one: from now on every step also writes lines of JSON to the open file
/// descriptor `fd`, at its start, at its end and a few times a second between, whatever the verbosity:
///   {"step":"path tracing","done":3,"total":10,"seconds_left":12.5,"note":"28.1 dB"}
/// -1 ends that. Throws kUsage for a descriptor that is not open. A reader that goes away is not an error.
void report_progress_to(int fd);

}  // namespace renderfm
