// Wall time of one stage after the other.
#pragma once

#include <chrono>

namespace renderfm {

class StopWatch {
 public:
  /// Seconds since the last lap, or since it was made.
  double lap_s() {
    const auto now = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(now - last_).count();
    last_ = now;
    return seconds;
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace renderfm
