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
  /// Shown behind the time left from now on: "28.1 dB".
  void note(std::string text);

 private:
  void print(double elapsed_s);

  std::string label_, note_;
  std::int64_t total_, done_ = 0;
  std::chrono::steady_clock::time_point start_, last_print_;
  bool terminal_, printed_ = false;
  std::mutex mutex_;
};

}  // namespace renderfm
