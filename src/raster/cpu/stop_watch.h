// Seconds since the last lap, for the stages' times in RenderStats.
#pragma once

#include <chrono>

namespace renderfm::raster::cpu {

class StopWatch {
 public:
  double lap_s() {
    const auto now = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(now - last_).count();
    last_ = now;
    return seconds;
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace renderfm::raster::cpu
