// How much memory a batch wants and where everything lies in it: host arithmetic, all of it in 64 bits.
#include <limits>
#include <string>

#include "common/cuda_error.h"
#include "common/sort_scan.h"
#include "raster/stages.cuh"

namespace renderfm::raster::cuda {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();

void require_at_most(std::int64_t count, std::int64_t limit, const char* what, const char* advice) {
  if (count <= limit) return;
  throw ::renderfm::cuda::CudaError(std::to_string(count) + " " + what + " are more than the " +
                                    std::to_string(limit) + " that one launch can number; " + advice);
}

int bit_length(std::uint64_t value) {
  int bits = 0;
  for (; value != 0; value >>= 1) ++bits;
  return bits;
}

/// Hands out arrays of a block, or only adds up their sizes where there is none.
class Carver {
 public:
  explicit Carver(void* block) : block_(static_cast<unsigned char*>(block)) {}
  template <class T>
  T* take(std::int64_t count) {
    return reinterpret_cast<T*>(take_bytes(static_cast<std::size_t>(count) * sizeof(T)));
  }
  void* take_bytes(std::size_t bytes) {
    void* const here = block_ != nullptr ? block_ + used_ : nullptr;
    used_ += (bytes + kBlockAlignment - 1) / kBlockAlignment * kBlockAlignment;
    return here;
  }
  std::size_t used() const { return used_; }

 private:
  unsigned char* block_;
  std::size_t used_ = 0;
};

PairArrays carve_pairs(Carver& carver, const BatchShape& shape) {
  PairArrays a{};
  a.splats = carver.take<Splat>(shape.pairs());
  a.rects = carver.take<CellRect>(shape.pairs());
  if (shape.gradients) a.first_slot = carver.take<std::uint64_t>(shape.pairs() + 1);
  return a;
}

OrderArrays carve_order(Carver& carver, std::size_t scratch_bytes, const BatchShape& shape) {
  const std::int64_t count = shape.pairs();
  OrderArrays a{};
  a.keys = carver.take<std::uint32_t>(count);
  a.pairs = carver.take<std::uint32_t>(count);
  a.spare_keys = carver.take<std::uint32_t>(count);
  a.spare_pairs = carver.take<std::uint32_t>(count);
  a.counts = carver.take<std::uint32_t>(count);
  a.first_entry = carver.take<std::uint64_t>(count + 1);
  a.statistics = carver.take<std::uint32_t>(kStatistics);
  a.scratch = carver.take_bytes(scratch_bytes);
  a.scratch_bytes = scratch_bytes;
  return a;
}

EntryArrays carve_entries(Carver& carver, const BatchShape& shape, std::int64_t entries) {
  EntryArrays a{};
  a.pairs = carver.take<std::uint32_t>(entries);
  a.spare = carver.take<std::uint32_t>(entries);
  a.first = carver.take<std::uint32_t>(shape.views * shape.tiles() + 1);
  return a;
}

EntryScratch carve_entry_scratch(Carver& carver, std::size_t scratch_bytes, std::int64_t entries) {
  EntryScratch a{};
  a.keys = carver.take<std::uint32_t>(entries);
  a.spare_keys = carver.take<std::uint32_t>(entries);
  a.scratch = carver.take_bytes(scratch_bytes);
  a.scratch_bytes = scratch_bytes;
  return a;
}

SlotArrays carve_slots(Carver& carver, std::int64_t slots) {
  SlotArrays a{};
  a.sums = carver.take<float>(slots * kSlotSums);
  a.written = carver.take<std::uint8_t>(slots);
  return a;
}

}  // namespace

int list_sort_bits(const BatchShape& shape) {
  const std::int64_t lists = shape.views * shape.tiles();
  return lists > 1 ? bit_length(static_cast<std::uint64_t>(lists - 1)) : 1;
}

BatchPlan plan_batch(const BatchShape& shape) {
  const char* const fewer_views = "draw fewer views at once";
  if (shape.gaussians < 0 || shape.views < 1 || shape.width < 1 || shape.height < 1) {
    throw ::renderfm::cuda::CudaError("a batch of " + std::to_string(shape.views) + " views of " +
                                      std::to_string(shape.width) + "x" + std::to_string(shape.height) +
                                      " pixels and " + std::to_string(shape.gaussians) +
                                      " Gaussians: there must be a view and a pixel, and no negative count");
  }
  require_at_most(shape.views, kMaxBatchViews, "views", fewer_views);
  require_at_most(shape.width, kMaxImageSide, "pixels of width", "draw a smaller image");
  require_at_most(shape.height, kMaxImageSide, "pixels of height", "draw a smaller image");
  require_at_most(shape.gaussians, kMost, "Gaussians", "draw them in parts");
  require_at_most(shape.pairs(), kMost, "pairs of Gaussian and view", fewer_views);
  // Four cells of threads for each tile, in one dimension of a grid.
  require_at_most(shape.views * shape.tiles(), kMost / 4, "tiles", fewer_views);

  BatchPlan plan;
  const std::int64_t count = shape.pairs();
  if (count > 0) {
    const std::size_t sort = ::renderfm::cuda::sort_pairs_scratch_bytes(count, {0, kDepthKeyBits});
    const std::size_t scan = ::renderfm::cuda::exclusive_scan_scratch_bytes(count);
    plan.order_scratch_bytes = sort > scan ? sort : scan;
  }
  Carver pairs(nullptr), order(nullptr);
  carve_pairs(pairs, shape);
  carve_order(order, plan.order_scratch_bytes, shape);
  plan.pair_bytes = pairs.used();
  plan.order_bytes = order.used();
  return plan;
}

EntryPlan plan_entries(const BatchShape& shape, const BatchTotals& totals) {
  require_at_most(totals.entries, kMost, "tile entries", "draw fewer views at once or fewer Gaussians");
  // The kernels carry a slot's number in 32 bits.
  require_at_most(totals.slots, std::numeric_limits<std::uint32_t>::max(), "gradient slots",
                  "draw fewer views at once or fewer Gaussians");
  EntryPlan plan;
  if (totals.entries > 0) {
    plan.sort_scratch_bytes =
        ::renderfm::cuda::sort_pairs_scratch_bytes(totals.entries, {0, list_sort_bits(shape)});
  }
  Carver lists(nullptr), scratch(nullptr), slots(nullptr);
  carve_entries(lists, shape, totals.entries);
  carve_entry_scratch(scratch, plan.sort_scratch_bytes, totals.entries);
  carve_slots(slots, totals.slots);
  plan.list_bytes = lists.used();
  plan.scratch_bytes = scratch.used();
  plan.slot_bytes = slots.used();
  return plan;
}

PairArrays bind_pairs(void* block, const BatchShape& shape) {
  Carver carver(block);
  return carve_pairs(carver, shape);
}

OrderArrays bind_order(void* block, const BatchPlan& plan, const BatchShape& shape) {
  Carver carver(block);
  return carve_order(carver, plan.order_scratch_bytes, shape);
}

EntryArrays bind_entries(void* block, const BatchShape& shape, const BatchTotals& totals) {
  Carver carver(block);
  return carve_entries(carver, shape, totals.entries);
}

EntryScratch bind_entry_scratch(void* block, const EntryPlan& plan, const BatchTotals& totals) {
  Carver carver(block);
  return carve_entry_scratch(carver, plan.sort_scratch_bytes, totals.entries);
}

SlotArrays bind_slots(void* block, const BatchTotals& totals) {
  Carver carver(block);
  return carve_slots(carver, totals.slots);
}

}  // namespace renderfm::raster::cuda
