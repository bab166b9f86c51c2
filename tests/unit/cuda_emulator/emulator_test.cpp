// The emulator runs right kernels right, whatever order its seed brings.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>
#include <vector>

#include "support/cuda_emulator/launch.h"
#include "unit/cuda_emulator/kernels.h"

namespace renderfm::cuda::test {
namespace {

constexpr int kSeeds = 40;

template <class Check>
void for_each_seed(Check check) {
  for (int seed = 0; seed < kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    emulator::set_seed(static_cast<std::uint64_t>(seed));
    check();
    if (testing::Test::HasFailure()) break;
  }
  emulator::set_seed(1);
}

std::vector<int> pseudo_random(int count, int bound) {
  std::vector<int> values(static_cast<std::size_t>(count));
  std::uint32_t state = 12345;
  for (int& value : values) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<int>((state >> 16) % static_cast<std::uint32_t>(bound));
  }
  return values;
}

TEST(CudaEmulator, SumsBlocksByShufflesAndBarriersForEverySeed) {
  std::vector<float> values(1000);
  std::iota(values.begin(), values.end(), 1.0f);
  for_each_seed([&] {
    const std::vector<float> sums = block_sums(values, 256);
    ASSERT_EQ(sums.size(), 4u);
    for (std::size_t block = 0; block < 4; ++block) {
      const std::size_t begin = block * 256, end = std::min<std::size_t>(begin + 256, 1000);
      const float expected = std::accumulate(values.begin() + static_cast<long>(begin),
                                             values.begin() + static_cast<long>(end), 0.0f);
      EXPECT_EQ(sums[block], expected);  // integers below 2^24: exact in any order
    }
  });
}

TEST(CudaEmulator, RanksByBallotsWhileThreadsPastTheEndHaveReturned) {
  const std::vector<int> flags = pseudo_random(1000, 2);  // the last warp is short
  std::vector<int> expected(flags.size());
  for (std::size_t i = 0, rank = 0; i < flags.size(); ++i) {
    if (i % 32 == 0) rank = 0;
    expected[i] = flags[i] != 0 ? static_cast<int>(rank++) : -1;
  }
  for_each_seed([&] { EXPECT_EQ(warp_ranks(flags, 128), expected); });
}

TEST(CudaEmulator, CountsByAtomicsInSharedAndDeviceMemory) {
  const std::vector<int> values = pseudo_random(3000, 16);
  std::vector<unsigned> expected(16);
  for (const int value : values) ++expected[static_cast<std::size_t>(value)];
  for_each_seed([&] { EXPECT_EQ(histogram(values, 96), expected); });
}

TEST(CudaEmulator, NumbersThreadsOfGridsAndBlocksInThreeDimensions) {
  std::vector<unsigned> expected(288);
  std::iota(expected.begin(), expected.end(), 0u);
  for_each_seed([&] { EXPECT_EQ(linear_numbers(), expected); });
}

TEST(CudaEmulator, SharesDynamicMemoryOfTwoTypes) {
  std::vector<float> values(512), expected(512);
  for (std::size_t i = 0; i < 512; ++i) {
    values[i] = static_cast<float>(i);
    expected[i] = static_cast<float>(i / 128 * 128 + 127 - i % 128);
  }
  for_each_seed([&] { EXPECT_EQ(reversed_in_blocks(values, 128), expected); });
}

TEST(CudaEmulator, TakesSyncwarpAsEnoughWithinAWarp) {
  const std::vector<int> values = pseudo_random(256, 1000);
  std::vector<int> expected(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto warp = values.begin() + static_cast<long>(i / 32 * 32);
    expected[i] = std::accumulate(warp, warp + 32, 0);
  }
  for_each_seed([&] { EXPECT_EQ(exchanged_in_warps(values), expected); });
}

TEST(CudaEmulator, ShufflesVotesAndReducesAsCudaDocumentsThem) {
  for_each_seed([&] {
    const std::vector<int> results = warp_functions();
    for (int lane = 0; lane < 32; ++lane) {
      const int* row = results.data() + lane * kWarpFunctions;
      EXPECT_EQ(row[0], lane / 8 * 8 + (lane + 1) % 8);
      EXPECT_EQ(row[1], lane < 2 ? lane : lane - 2);
      EXPECT_EQ(row[2], lane % 16 < 13 ? lane + 3 : lane);
      EXPECT_EQ(row[3], lane ^ 5);
      EXPECT_EQ(row[4], 1);
      EXPECT_EQ(row[5], 0);
      EXPECT_EQ(static_cast<unsigned>(row[6]), 0xfu << (lane / 4 * 4));
      EXPECT_EQ(row[7], 496);
      EXPECT_EQ(row[8], -16);
      EXPECT_EQ(row[9], 31);
    }
  });
}

TEST(CudaEmulator, VotesOverABlockAndOverWhatIsLeftOfIt) {
  for_each_seed([&] {
    EXPECT_EQ(block_votes(0), (std::vector<int>{0, 0, 0, 0}));
    EXPECT_EQ(block_votes(50), (std::vector<int>{50, 1, 0, 48}));
    EXPECT_EQ(block_votes(96), (std::vector<int>{96, 1, 1, 48}));
  });
}

TEST(CudaEmulator, RunsBlocksAndThreadsInAnOrderThatTheSeedDecides) {
  const auto tickets_of = [](std::uint64_t seed) {
    emulator::set_seed(seed);
    return tickets();
  };
  // Of the first ticket in each block, and of the tickets within block 0.
  std::set<std::vector<unsigned>> block_orders, thread_orders;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    const std::vector<unsigned> drawn = tickets_of(seed);
    EXPECT_EQ(tickets_of(seed), drawn);
    std::vector<unsigned> first;
    for (auto block = drawn.begin(); block != drawn.end(); block += 64) {
      first.push_back(*std::min_element(block, block + 64));
    }
    std::vector<unsigned> threads(drawn.begin(), drawn.begin() + 64);
    for (unsigned& ticket : threads) ticket -= first[0];
    block_orders.insert(first);
    thread_orders.insert(threads);
    EXPECT_FALSE(std::is_sorted(threads.begin(), threads.end()));
    EXPECT_FALSE(std::is_sorted(threads.begin(), threads.end(), std::greater<>()));
  }
  EXPECT_GE(block_orders.size(), 4u);  // of 24 there are
  EXPECT_EQ(thread_orders.size(), 8u);
  emulator::set_seed(1);
}

TEST(CudaEmulator, RunsAMillionThreads) {
  const std::vector<float> sums = block_sums(std::vector<float>(1 << 20, 1.0f), 256);
  EXPECT_EQ(sums, std::vector<float>(4096, 256.0f));
}

}  // namespace
}  // namespace renderfm::cuda::test
