#include "renderfm/core/parallel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace renderfm {
namespace {

using Chunk = std::pair<std::int64_t, std::int64_t>;

class ParallelForTest : public testing::TestWithParam<int> {
 protected:
  void SetUp() override { set_thread_count(GetParam()); }
  void TearDown() override { set_thread_count(0); }
};

std::vector<Chunk> chunks_of(std::int64_t begin, std::int64_t end, std::int64_t grain) {
  std::mutex mutex;
  std::vector<Chunk> chunks;
  parallel_for(begin, end, grain, [&](std::int64_t first, std::int64_t last) {
    const std::lock_guard lock(mutex);
    chunks.emplace_back(first, last);
  });
  std::sort(chunks.begin(), chunks.end());
  return chunks;
}

TEST_P(ParallelForTest, CutsTheSameChunksForAnyThreadCount) {
  EXPECT_EQ(chunks_of(3, 14, 4), (std::vector<Chunk>{{3, 7}, {7, 11}, {11, 14}}));
  EXPECT_EQ(chunks_of(0, 8, 4), (std::vector<Chunk>{{0, 4}, {4, 8}}));
  EXPECT_EQ(chunks_of(-5, -3, 1), (std::vector<Chunk>{{-5, -4}, {-4, -3}}));
}

TEST_P(ParallelForTest, OneChunkHoldsAllThatFitsTheGrain) {
  EXPECT_EQ(chunks_of(0, 5, 100), (std::vector<Chunk>{{0, 5}}));
}

TEST_P(ParallelForTest, AnEmptyRangeCallsNothing) {
  EXPECT_TRUE(chunks_of(4, 4, 1).empty());
  EXPECT_TRUE(chunks_of(4, 2, 1).empty());
}

TEST_P(ParallelForTest, AGrainBelowOneCountsAsOne) {
  EXPECT_EQ(chunks_of(0, 2, 0), (std::vector<Chunk>{{0, 1}, {1, 2}}));
}

TEST_P(ParallelForTest, VisitsEveryIndexOnceInEveryOfManyLoops) {
  for (int loop = 0; loop < 200; ++loop) {
    std::vector<std::atomic<int>> visits(301);
    parallel_for(0, 301, 7, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) ++visits[static_cast<std::size_t>(i)];
    });
    for (const auto& count : visits) ASSERT_EQ(count, 1) << "in loop " << loop;
  }
}

TEST_P(ParallelForTest, RethrowsAnExceptionAndWorksAgainAfterwards) {
  for (int loop = 0; loop < 20; ++loop) {
    try {
      parallel_for(0, 100, 1, [](std::int64_t first, std::int64_t) {
        if (first == 41) throw std::runtime_error("chunk 41");
      });
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(std::string(error.what()), "chunk 41");
    }
  }
  EXPECT_EQ(chunks_of(0, 3, 1).size(), 3U);
}

TEST_P(ParallelForTest, ANestedLoopRunsOnTheThreadThatCallsIt) {
  std::atomic<int> inner{0};
  std::atomic<bool> left_the_thread{false};
  parallel_for(0, 16, 1, [&](std::int64_t, std::int64_t) {
    const auto outer_thread = std::this_thread::get_id();
    parallel_for(0, 8, 1, [&](std::int64_t, std::int64_t) {
      if (std::this_thread::get_id() != outer_thread) left_the_thread = true;
      ++inner;
    });
  });
  EXPECT_EQ(inner, 16 * 8);
  EXPECT_FALSE(left_the_thread);
}

TEST_P(ParallelForTest, LoopsFromSeveralThreadsDoNotMix) {
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int loop = 0; loop < 50; ++loop) {
        std::atomic<std::int64_t> sum{0};
        parallel_for(0, 100, 3, [&](std::int64_t first, std::int64_t last) {
          for (std::int64_t i = first; i < last; ++i) sum += i;
        });
        if (sum != 4950) ++wrong;
      }
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

INSTANTIATE_TEST_SUITE_P(Threads, ParallelForTest, testing::Values(1, 2, 5));

TEST(ParallelFor, UsesAsManyThreadsAsAskedFor) {
  set_thread_count(3);
  std::mutex mutex;
  std::set<std::thread::id> threads;
  std::atomic<int> arrived{0};
  // Each chunk waits until three threads are inside, which fewer than three never reach.
  parallel_for(0, 3, 1, [&](std::int64_t, std::int64_t) {
    {
      const std::lock_guard lock(mutex);
      threads.insert(std::this_thread::get_id());
    }
    ++arrived;
    for (int i = 0; i < 2000 && arrived < 3; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  });
  set_thread_count(0);
  EXPECT_EQ(threads.size(), 3U);
}

TEST(ThreadCount, IsAtLeastOneAndRestoredByZero) {
  const int automatic = thread_count();
  EXPECT_GE(automatic, 1);
  set_thread_count(automatic + 3);
  EXPECT_EQ(thread_count(), automatic + 3);
  set_thread_count(0);
  EXPECT_EQ(thread_count(), automatic);
}

}  // namespace
}  // namespace renderfm
