// Which sample comes when: a function of (seed, number) alone, so that workers, processes and resumed runs
// agree.
#pragma once

#include <cstdint>
#include <vector>

namespace renderfm::train {

struct Turn {
  std::int64_t epoch = 0, position = 0;  ///< within the epoch
  std::int64_t index = 0;                ///< of the case
  std::uint64_t seed = 0;                ///< of everything random in this sample
};

/// Every epoch goes through all cases in an order of its own.
class SampleOrder {
 public:
  SampleOrder(std::uint64_t seed, std::int64_t cases);

  /// The sample number `number` of the run, from 0. Not for two threads at once.
  Turn at(std::int64_t number);

 private:
  std::uint64_t seed_;
  std::int64_t cases_, epoch_ = -1;
  std::vector<std::int64_t> order_;
};

}  // namespace renderfm::train
