// From pairs in storage order to tile lists in depth order: depth keys, counts, entries, list bounds. Every
// place is counted, summed up and then written; nothing is appended by atomics, so an order never depends on
// which thread came first.
#include <string>

#include "common/sort_scan.h"
#include "raster/layout.cuh"
#include "raster/stages.cuh"
#include "renderfm/raster/tiles.h"

namespace renderfm::raster::cuda {
namespace {

using ::renderfm::cuda::launch;

struct Grid {
  std::int64_t gaussians;
  int views, tiles_across, tiles;
};

Grid grid_of(const BatchShape& shape) {
  return {shape.gaussians, shape.views, tiles_over(shape.width), static_cast<int>(shape.tiles())};
}

__device__ __forceinline__ TileRect tiles_of(CellRect cells) {
  const auto up = [](int cell) {
    return static_cast<std::uint16_t>((cell + kCellsPerTile - 1) / kCellsPerTile);
  };
  const auto down = [](int cell) { return static_cast<std::uint16_t>(cell / kCellsPerTile); };
  return {down(cells.x_begin), down(cells.y_begin), up(cells.x_end), up(cells.y_end)};
}

struct DepthKeyParams {
  const std::uint32_t* statistics;
  std::uint32_t* keys;   ///< [V N] depth bits, replaced by keys
  std::uint32_t* pairs;  ///< [V N] written
  Grid grid;
};

// All views are sorted together: the lists part them later, by a stable sort, so that a key needs no view and
// the sort fewer passes. Where a pair that is not drawn ends up makes no difference: it takes no place in any
// list.
__global__ void __launch_bounds__(kElementThreads) depth_key_kernel(DepthKeyParams p) {
  const std::int64_t pair = element_index();
  if (pair >= p.grid.gaussians * p.grid.views) return;
  const std::uint32_t view = static_cast<std::uint32_t>(pair / p.grid.gaussians);
  const std::uint32_t bits = p.keys[pair];
  std::uint32_t key = (1u << kDepthKeyBits) - 1u;
  if (bits != kNotDrawn) {
    const auto depth = [](std::uint32_t b) { return float_from_bits(static_cast<std::int32_t>(b)); };
    key = depth_key(depth(bits), depth(p.statistics[kZMin + view]), depth(p.statistics[kZMax + view]));
  }
  p.keys[pair] = key;
  p.pairs[pair] = static_cast<std::uint32_t>(pair);
}

struct CountParams {
  const std::uint32_t* pairs;  ///< [V N] in the order of drawing, or null: in storage order
  const CellRect* rects;
  std::uint32_t* counts;  ///< [V N] written
  std::int64_t count;
};

__global__ void __launch_bounds__(kElementThreads) count_tiles_kernel(CountParams p) {
  const std::int64_t i = element_index();
  if (i >= p.count) return;
  p.counts[i] = tiles_of(p.rects[p.pairs[i]]).count();
}

__global__ void __launch_bounds__(kElementThreads) count_cells_kernel(CountParams p) {
  const std::int64_t pair = element_index();
  if (pair >= p.count) return;
  const CellRect r = p.rects[pair];
  p.counts[pair] =
      static_cast<std::uint32_t>(r.x_end - r.x_begin) * static_cast<std::uint32_t>(r.y_end - r.y_begin);
}

struct TotalsParams {
  const std::uint64_t* entries;
  const std::uint64_t* slots;  ///< or null
  std::uint32_t* statistics;
};

// One read on the host brings everything.
__global__ void totals_kernel(TotalsParams p) {
  const auto put = [&](int at, std::uint64_t value) {
    p.statistics[at] = static_cast<std::uint32_t>(value);
    p.statistics[at + 1] = static_cast<std::uint32_t>(value >> 32);
  };
  put(kEntries, *p.entries);
  put(kSlots, p.slots != nullptr ? *p.slots : 0);
}

struct EmitParams {
  const std::uint32_t* pairs;        ///< [V N] in the order of drawing
  const std::uint64_t* first_entry;  ///< [V N + 1]
  const CellRect* rects;
  std::uint32_t* keys;         ///< [entries] written: lists
  std::uint32_t* entry_pairs;  ///< [entries] written
  Grid grid;
};

__global__ void __launch_bounds__(kElementThreads) emit_kernel(EmitParams p) {
  const std::int64_t place = element_index();
  if (place >= p.grid.gaussians * p.grid.views) return;
  const std::uint32_t pair = p.pairs[place];
  const TileRect tiles = tiles_of(p.rects[pair]);
  std::uint64_t entry = p.first_entry[place];
  const int first_list = static_cast<int>(pair / p.grid.gaussians) * p.grid.tiles;
  for (int y = tiles.y_begin; y < tiles.y_end; ++y) {
    for (int x = tiles.x_begin; x < tiles.x_end; ++x, ++entry) {
      p.keys[entry] = static_cast<std::uint32_t>(first_list + y * p.grid.tiles_across + x);
      p.entry_pairs[entry] = pair;
    }
  }
}

struct BoundsParams {
  const std::uint32_t* keys;  ///< [entries] ascending
  std::int64_t entries;
  std::uint32_t* first;  ///< [lists + 1] written
  std::int64_t lists;
};

// By bisection for each list, so that an empty one needs no care and nothing must be cleared.
__global__ void __launch_bounds__(kElementThreads) bounds_kernel(BoundsParams p) {
  const std::int64_t list = element_index();
  if (list > p.lists) return;
  std::int64_t low = 0, high = p.entries;
  while (low < high) {
    const std::int64_t middle = (low + high) / 2;
    if (static_cast<std::int64_t>(p.keys[middle]) < list) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  p.first[list] = static_cast<std::uint32_t>(low);
}

void sort(std::uint32_t*& keys, std::uint32_t*& values, std::uint32_t*& spare_keys,
          std::uint32_t*& spare_values, std::int64_t count, int bits, void* scratch,
          std::size_t scratch_bytes, Stream stream) {
  ::renderfm::cuda::SortBuffers buffers{keys, values, spare_keys, spare_values};
  ::renderfm::cuda::sort_pairs(buffers, count, {0, bits}, scratch, scratch_bytes, stream);
  keys = buffers.keys;
  values = buffers.values;
  spare_keys = buffers.spare_keys;
  spare_values = buffers.spare_values;
}

void clear_statistics(std::uint32_t* statistics, Stream stream) {
  ::renderfm::cuda::memset_async(statistics, 0, kStatistics * sizeof(*statistics), stream);
  ::renderfm::cuda::memset_async(statistics + kZMin, 0xff, kMaxBatchViews * sizeof(*statistics), stream);
}

}  // namespace

BatchTotals project_and_count(const Batch& batch, const PairArrays& pairs, OrderArrays& order,
                              Stream stream) {
  const BatchShape& shape = batch.shape;
  const std::int64_t count = shape.pairs();
  if (count == 0) return {};
  const Grid grid = grid_of(shape);
  const unsigned blocks = blocks_for(count, kElementThreads);
  clear_statistics(order.statistics, stream);

  PreprocessKernelParams preprocess_params{batch.gaussians,  pairs.splats, pairs.rects, order.keys,
                                           order.statistics, {},           shape.views};
  for (int v = 0; v < shape.views; ++v) preprocess_params.views[v] = batch.views[v];
  preprocess(preprocess_params, stream);
  launch(RFM_KERNEL(depth_key_kernel), blocks, kElementThreads, 0, stream,
         DepthKeyParams{order.statistics, order.keys, order.pairs, grid});
  sort(order.keys, order.pairs, order.spare_keys, order.spare_pairs, count, kDepthKeyBits, order.scratch,
       order.scratch_bytes, stream);

  if (shape.gradients) {
    launch(RFM_KERNEL(count_cells_kernel), blocks, kElementThreads, 0, stream,
           CountParams{nullptr, pairs.rects, order.counts, count});
    ::renderfm::cuda::exclusive_scan(order.counts, pairs.first_slot, count, order.scratch,
                                     order.scratch_bytes, stream);
  }
  launch(RFM_KERNEL(count_tiles_kernel), blocks, kElementThreads, 0, stream,
         CountParams{order.pairs, pairs.rects, order.counts, count});
  ::renderfm::cuda::exclusive_scan(order.counts, order.first_entry, count, order.scratch, order.scratch_bytes,
                                   stream);
  launch(RFM_KERNEL(totals_kernel), 1, 1, 0, stream,
         TotalsParams{order.first_entry + count, shape.gradients ? pairs.first_slot + count : nullptr,
                      order.statistics});

  std::uint32_t statistics[kStatistics];
  ::renderfm::cuda::copy_async(statistics, order.statistics, sizeof(statistics), stream);
  ::renderfm::cuda::synchronize(stream);
  const auto wide = [&](int at) {
    return static_cast<std::int64_t>(statistics[at] | static_cast<std::uint64_t>(statistics[at + 1]) << 32);
  };
  BatchTotals totals;
  totals.entries = wide(kEntries);
  totals.slots = wide(kSlots);
  totals.not_finite = statistics[kNotFinite];
  for (int v = 0; v < shape.views; ++v) totals.drawable[v] = statistics[kDrawable + v];
  return totals;
}

void list_entries(const Batch& batch, const PairArrays& pairs, const OrderArrays& order,
                  const BatchTotals& totals, EntryArrays& entries, EntryScratch& scratch, Stream stream) {
  const BatchShape& shape = batch.shape;
  const Grid grid = grid_of(shape);
  if (totals.entries > 0) {
    launch(RFM_KERNEL(emit_kernel), blocks_for(shape.pairs(), kElementThreads), kElementThreads, 0, stream,
           EmitParams{order.pairs, order.first_entry, pairs.rects, scratch.keys, entries.pairs, grid});
    sort(scratch.keys, entries.pairs, scratch.spare_keys, entries.spare, totals.entries,
         list_sort_bits(shape), scratch.scratch, scratch.scratch_bytes, stream);
  }
  const std::int64_t lists = shape.views * shape.tiles();
  launch(RFM_KERNEL(bounds_kernel), blocks_for(lists + 1, kElementThreads), kElementThreads, 0, stream,
         BoundsParams{scratch.keys, totals.entries, entries.first, lists});
}

}  // namespace renderfm::raster::cuda
