#include "renderfm/train/sample_order.h"

#include <numeric>
#include <utility>

#include "renderfm/core/check.h"
#include "renderfm/math/rng.h"

namespace renderfm::train {

SampleOrder::SampleOrder(std::uint64_t seed, std::int64_t cases) : seed_(seed), cases_(cases) {
  RFM_CHECK(cases > 0, "there is no case to draw samples from");
}

Turn SampleOrder::at(std::int64_t number) {
  Turn turn;
  turn.epoch = number / cases_;
  turn.position = number % cases_;
  if (turn.epoch != epoch_) {
    order_.resize(static_cast<std::size_t>(cases_));
    std::iota(order_.begin(), order_.end(), std::int64_t{0});
    Pcg32 random = Pcg32::from(seed_, static_cast<std::uint64_t>(turn.epoch), 1);
    for (std::size_t i = order_.size(); i > 1; --i) {
      std::swap(order_[i - 1], order_[random.below(static_cast<std::uint32_t>(i))]);
    }
    epoch_ = turn.epoch;
  }
  turn.index = order_[static_cast<std::size_t>(turn.position)];
  turn.seed =
      hash64(seed_, static_cast<std::uint64_t>(turn.epoch), static_cast<std::uint64_t>(turn.index), 2);
  return turn;
}

}  // namespace renderfm::train
