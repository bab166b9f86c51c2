// The planner of the CUDA backend: sizes, limits, and where arrays lie in a block.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/cuda_error.h"
#include "raster/stages.cuh"

namespace renderfm::raster::cuda {
namespace {

std::string refusal(const BatchShape& shape) {
  try {
    plan_batch(shape);
  } catch (const ::renderfm::cuda::CudaError& error) {
    return error.what();
  }
  return "";
}

struct Extent {
  const void* begin;
  std::size_t bytes;
};

// Every array lies in the block, aligned, and apart from every other.
void expect_apart(const std::vector<unsigned char>& block, std::vector<Extent> extents) {
  std::sort(extents.begin(), extents.end(),
            [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
  const unsigned char* free = block.data();
  for (const Extent& e : extents) {
    const auto* const begin = static_cast<const unsigned char*>(e.begin);
    EXPECT_GE(begin, free);
    EXPECT_EQ(static_cast<std::size_t>(begin - block.data()) % kBlockAlignment, 0u);
    free = begin + e.bytes;
  }
  EXPECT_LE(free, block.data() + block.size());
}

TEST(CudaRasterPlan, LaysEveryArrayApartInItsBlock) {
  const BatchShape shape{1001, 3, 83, 61, true};
  const BatchTotals totals{4321, 9876, 0, {}};
  const BatchPlan plan = plan_batch(shape);
  const EntryPlan entry_plan = plan_entries(shape, totals);
  const std::size_t pairs = 3003, entries = 4321, slots = 9876, lists = 3 * 3 * 2;
  std::vector<unsigned char> block(plan.pair_bytes);
  const PairArrays p = bind_pairs(block.data(), shape);
  expect_apart(block, {{p.splats, 48 * pairs}, {p.rects, 8 * pairs}, {p.first_slot, 8 * (pairs + 1)}});
  block.resize(plan.order_bytes);
  const OrderArrays o = bind_order(block.data(), plan, shape);
  expect_apart(block, {{o.keys, 4 * pairs},
                       {o.pairs, 4 * pairs},
                       {o.spare_keys, 4 * pairs},
                       {o.spare_pairs, 4 * pairs},
                       {o.counts, 4 * pairs},
                       {o.first_entry, 8 * (pairs + 1)},
                       {o.statistics, 4 * kStatistics},
                       {o.scratch, o.scratch_bytes}});
  EXPECT_EQ(o.scratch_bytes, plan.order_scratch_bytes);
  block.resize(entry_plan.list_bytes);
  const EntryArrays e = bind_entries(block.data(), shape, totals);
  expect_apart(block, {{e.pairs, 4 * entries}, {e.spare, 4 * entries}, {e.first, 4 * (lists + 1)}});
  block.resize(entry_plan.scratch_bytes);
  const EntryScratch s = bind_entry_scratch(block.data(), entry_plan, totals);
  expect_apart(block, {{s.keys, 4 * entries}, {s.spare_keys, 4 * entries}, {s.scratch, s.scratch_bytes}});
  block.resize(entry_plan.slot_bytes);
  const SlotArrays slot_arrays = bind_slots(block.data(), totals);
  expect_apart(block, {{slot_arrays.sums, 40 * slots}, {slot_arrays.written, slots}});
}

TEST(CudaRasterPlan, PlansNoSlotsForADrawingAlone) {
  BatchShape shape{1000, 2, 64, 64, false};
  const std::size_t without = plan_batch(shape).pair_bytes;
  EXPECT_EQ(bind_pairs(nullptr, shape).first_slot, nullptr);
  shape.gradients = true;
  EXPECT_GE(plan_batch(shape).pair_bytes, without + 8 * 2000);
}

TEST(CudaRasterPlan, CountsBytesBeyondThirtyTwoBits) {
  const BatchShape shape{3000000, 8, 1024, 1024, true};
  EXPECT_GE(plan_batch(shape).pair_bytes, 24000000ull * 64);
  const BatchTotals totals{53000000, 150000000, 0, {}};
  EXPECT_GE(plan_entries(shape, totals).slot_bytes, 150000000ull * 41);
}

TEST(CudaRasterPlan, UsesNoMoreKeyBitsThanItNeeds) {
  EXPECT_EQ(list_sort_bits({1, 1, 32, 32, false}), 1);
  EXPECT_EQ(list_sort_bits({1, 8, 512, 512, false}), 11);
  EXPECT_EQ(list_sort_bits({1, 8, 513, 512, false}), 12);
}

TEST(CudaRasterPlan, RefusesWhatOneLaunchCannotNumberAndNamesCountAndLimit) {
  using testing::AllOf;
  using testing::HasSubstr;
  EXPECT_THAT(refusal({2000000000, 2, 64, 64, false}),
              AllOf(HasSubstr("4000000000 "), HasSubstr("2147483647")));
  EXPECT_THAT(refusal({10, kMaxBatchViews + 1, 64, 64, false}),
              AllOf(HasSubstr("17 views"), HasSubstr("16")));
  EXPECT_THAT(refusal({10, 1, 40000, 64, false}), AllOf(HasSubstr("40000 "), HasSubstr("32768")));
  EXPECT_THAT(refusal({10, 0, 64, 64, false}), HasSubstr("a batch of 0 views"));
  EXPECT_THAT(refusal({-1, 1, 64, 64, false}), HasSubstr("-1 Gaussians"));
  EXPECT_EQ(refusal({1580000, 8, 1024, 1024, true}), "");

  const BatchShape shape{10, 1, 64, 64, true};
  const auto entry_refusal = [&](const BatchTotals& totals) -> std::string {
    try {
      plan_entries(shape, totals);
    } catch (const ::renderfm::cuda::CudaError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(entry_refusal({3000000000, 0, 0, {}}),
              AllOf(HasSubstr("3000000000 tile entries"), HasSubstr("2147483647")));
  EXPECT_THAT(entry_refusal({10, 5000000000, 0, {}}),
              AllOf(HasSubstr("5000000000 "), HasSubstr("4294967295")));
}

}  // namespace
}  // namespace renderfm::raster::cuda
