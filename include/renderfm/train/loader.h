// Samples made ahead by threads, handed out in order.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "renderfm/train/training_sample.h"

namespace renderfm::train {

class Loader {
 public:
  /// `make(k)` gives the k-th sample, k = 0, 1, ...; called from `workers` threads at once, for at most
  /// `prefetch` samples more than were taken.
  Loader(std::function<TrainingSample(std::int64_t)> make, std::int64_t workers, std::int64_t prefetch);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// The next sample, in order for any number of workers. Rethrows what make() threw for it.
  TrainingSample next();
  /// Seconds that next() has waited altogether.
  double waited_s() const { return waited_s_; }

 private:
  struct Slot {
    TrainingSample sample;
    std::exception_ptr error;
  };
  void work();

  std::function<TrainingSample(std::int64_t)> make_;
  std::int64_t prefetch_, started_ = 0, taken_ = 0;
  double waited_s_ = 0;
  bool stopping_ = false;
  std::map<std::int64_t, Slot> ready_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::thread> threads_;
};

}  // namespace renderfm::train
