// The rule of races, access by access, with no kernel to choose an order.
#include "support/cuda_emulator/access_history.h"

#include <gtest/gtest.h>

#include <array>

namespace renderfm::cuda::emulator {
namespace {

/// A lane of warp 0 or 1 that has passed no barrier and knows nothing of others.
struct Lane {
  std::array<std::uint32_t, 32> known{};
  Accessor accessor;
  Lane(std::uint32_t warp, std::uint32_t lane) : accessor{0, 0, 0, warp, lane, nullptr} {}
  Accessor now() const {
    Accessor copy = accessor;
    copy.known = known.data();
    return copy;
  }
};

bool collides(AccessHistory& history, const Lane& lane, Use use) {
  return history.note(1, lane.now(), use).lane >= 0;
}

TEST(AccessHistory, LetsAnyNumberReadAndOneThreadDoAsItLikes) {
  AccessHistory history;
  for (std::uint32_t warp = 0; warp < 4; ++warp) EXPECT_FALSE(collides(history, Lane(warp, 3), Use::kRead));
  AccessHistory own;
  for (const Use use : {Use::kWrite, Use::kRead, Use::kAtomic, Use::kWrite}) {
    EXPECT_FALSE(collides(own, Lane(0, 7), use));
  }
}

TEST(AccessHistory, TellsAWriteAfterAReadOfAnotherThread) {
  AccessHistory other_warp;
  collides(other_warp, Lane(0, 3), Use::kRead);
  EXPECT_TRUE(collides(other_warp, Lane(1, 3), Use::kWrite));
  AccessHistory other_lane;
  collides(other_lane, Lane(0, 3), Use::kRead);
  EXPECT_TRUE(collides(other_lane, Lane(0, 4), Use::kWrite));
}

TEST(AccessHistory, RemembersEarlierReadersOfAWarpBehindTheLast) {
  AccessHistory history;
  collides(history, Lane(0, 3), Use::kRead);
  collides(history, Lane(0, 5), Use::kRead);
  EXPECT_TRUE(collides(history, Lane(0, 5), Use::kWrite));
}

TEST(AccessHistory, RemembersAReaderOfAnotherWarpBehindManyOfTheWritersOwn) {
  AccessHistory history;
  for (std::uint32_t warp : {2u, 1u, 0u, 0u}) collides(history, Lane(warp, 5), Use::kRead);
  EXPECT_TRUE(collides(history, Lane(0, 5), Use::kWrite));
}

TEST(AccessHistory, LetsAtomicsMeetButNothingElseBesideThem) {
  AccessHistory history;
  EXPECT_FALSE(collides(history, Lane(0, 1), Use::kAtomic));
  EXPECT_FALSE(collides(history, Lane(1, 1), Use::kAtomic));
  EXPECT_FALSE(collides(history, Lane(0, 1), Use::kAtomic));
  AccessHistory copy = history;
  EXPECT_TRUE(collides(copy, Lane(0, 1), Use::kWrite));
  copy = history;
  EXPECT_TRUE(collides(copy, Lane(1, 1), Use::kRead));
  AccessHistory plain;
  collides(plain, Lane(0, 1), Use::kWrite);
  EXPECT_TRUE(collides(plain, Lane(1, 1), Use::kAtomic));
}

TEST(AccessHistory, TakesABarrierAnotherLaunchAndASyncwarpOfBothLanesAsOrder) {
  AccessHistory history;
  collides(history, Lane(0, 1), Use::kWrite);
  Lane later(1, 1);
  later.accessor.epoch = 1;
  AccessHistory copy = history;
  EXPECT_FALSE(collides(copy, later, Use::kWrite));
  copy = history;
  EXPECT_LT(copy.note(2, Lane(1, 1).now(), Use::kWrite).lane, 0);
  Lane synchronised(0, 2);
  synchronised.accessor.time = 1;
  copy = history;
  EXPECT_TRUE(collides(copy, synchronised, Use::kRead));  // others synchronised
  synchronised.known[1] = 1;
  copy = history;
  EXPECT_FALSE(collides(copy, synchronised, Use::kRead));
  synchronised.accessor.block = 1;
  copy = history;
  EXPECT_TRUE(collides(copy, synchronised, Use::kRead));
}

}  // namespace
}  // namespace renderfm::cuda::emulator
