// The CUDA backend as its callers see it: plain structs of raw pointers and one function for each stage. No
// Torch and no CUDA header; a stream is an opaque pointer.
//
// The caller owns all device memory. A plan tells the sizes, the caller allocates blocks, and the bind
// functions lay arrays out in them. Up to kMaxBatchViews views of one size are drawn together; more are
// several batches, whose gradients add up. With at(block) for memory of as many bytes:
//
//   Batch batch{{N, V, width, height, gradients}, gaussians, {view, ...}};
//   BatchPlan plan = plan_batch(batch.shape);  // plans and binds queue nothing
//   PairArrays pairs = bind_pairs(at(plan.pair_bytes), batch.shape);
//   OrderArrays order = bind_order(at(plan.order_bytes), plan, batch.shape);
//   BatchTotals totals = project_and_count(batch, pairs, order, stream);  // waits
//   EntryPlan more = plan_entries(batch.shape, totals);
//   EntryArrays entries = bind_entries(at(more.list_bytes), batch.shape, totals);
//   EntryScratch scratch = bind_entry_scratch(at(more.scratch_bytes), more, totals);
//   list_entries(batch, pairs, order, totals, entries, scratch, stream);
//   blend_forward(batch, pairs, entries, images, pixels, stream);
// For the way back `pairs`, `entries` and `pixels` are kept; `order` and `scratch` may go once list_entries
// is queued, if memory is given back in stream order.
//   SlotArrays slots = bind_slots(at(more.slot_bytes), totals);
//   blend_backward(batch, pairs, entries, totals, v_images, pixels, slots, stream);
//   chain_backward(batch, pairs, slots, v_gaussians, v_poses, pose_partials, stream);
//
// Blocks are aligned to kBlockAlignment bytes and need no clearing; one of 0 bytes may be null. The way back
// may be gone again on what is kept. project_and_count brings the totals to the host and is the only stage
// that waits. Everything is queued on `stream`. Failures throw renderfm::cuda::CudaError
// (common/cuda_error.h). Results are the same bits every time: no floating-point atomics, and integer ones
// only where no order can show.
#pragma once

#include <cstddef>
#include <cstdint>

#include "renderfm/raster/project_backward.h"
#include "renderfm/raster/raster_params.h"

struct CUstream_st;

namespace renderfm::raster::cuda {

using Stream = CUstream_st*;  ///< the same type as cudaStream_t

inline constexpr int kMaxBatchViews = 16;  ///< what fits into a kernel's parameters
inline constexpr int kMaxImageSide = 32768;
inline constexpr std::size_t kBlockAlignment = 256;

struct BatchShape {
  std::int64_t gaussians = 0;  ///< N
  int views = 0;               ///< V
  int width = 0, height = 0;   ///< pixels, of every view
  bool gradients = false;      ///< plan for a backward pass

  std::int64_t pairs() const { return gaussians * views; }
  std::int64_t tiles() const {  ///< T, of one view
    return static_cast<std::int64_t>(tiles_over(width)) * tiles_over(height);
  }
};

struct Batch {
  BatchShape shape;
  GaussianPointers<float> gaussians;  ///< on the device
  View<float> views[kMaxBatchViews];  ///< by value, the first `shape.views`
};

/// A Gaussian in one view as the blend kernels load it: x, y, conic_xx, conic_xy | conic_yy, log2_alpha, red,
/// green | blue, z, half_width, half_height.
struct alignas(16) Splat {
  float value[12];
};

/// A footprint's box in cells of kCellSize pixels, half-open; empty where the Gaussian is not drawn.
struct alignas(8) CellRect {
  std::uint16_t x_begin, y_begin, x_end, y_end;
};

/// By pair p = view * N + Gaussian.
struct PairArrays {
  Splat* splats;              ///< [V N], of drawable pairs
  CellRect* rects;            ///< [V N]
  std::uint64_t* first_slot;  ///< [V N + 1] where gradients are planned, else null
};

/// What fixes the order of drawing; by place in that order unless told otherwise.
struct OrderArrays {
  std::uint32_t* keys;         ///< [V N] depths
  std::uint32_t* pairs;        ///< [V N]
  std::uint32_t* spare_keys;   ///< [V N]
  std::uint32_t* spare_pairs;  ///< [V N]
  std::uint32_t* counts;       ///< [V N] tiles of a place, then cells of a pair
  std::uint64_t* first_entry;  ///< [V N + 1]
  std::uint32_t* statistics;   ///< [kStatistics], see order.cu
  void* scratch;
  std::size_t scratch_bytes;
};

/// What project_and_count brings back to the host.
struct BatchTotals {
  std::int64_t entries = 0;     ///< (Gaussian, view, tile) triples
  std::int64_t slots = 0;       ///< (Gaussian, view, cell) triples, 0 where no gradients are planned
  std::int64_t not_finite = 0;  ///< Gaussians dropped for a NaN or infinite parameter
  std::int64_t drawable[kMaxBatchViews] = {};
};

/// List l = view * T + tile holds pairs[first[l], first[l + 1]), front to back.
struct EntryArrays {
  std::uint32_t* pairs;  ///< [entries]
  std::uint32_t* spare;  ///< [entries]
  std::uint32_t* first;  ///< [V T + 1]
};

struct EntryScratch {
  std::uint32_t* keys;        ///< [entries] list numbers
  std::uint32_t* spare_keys;  ///< [entries]
  void* scratch;
  std::size_t scratch_bytes;
};

/// Images of all views, contiguous.
struct BatchImages {
  float* rgb;    ///< [V, 3, H, W]
  float* alpha;  ///< [V, H, W]
  float* depth;  ///< [V, H, W] or null
};

struct BatchImageGradients {
  const float* rgb;    ///< [V, 3, H, W]
  const float* alpha;  ///< [V, H, W] or null: no gradient comes from there
  const float* depth;  ///< [V, H, W] or null
};

/// What the way back needs of each pixel; both null where no backward pass follows.
struct PixelArrays {
  float* transmittance;  ///< [V, H, W] that the whole list leaves
  std::uint32_t* stop;   ///< [V, H, W] entries of the tile's list that the pixel saw
};

/// Each (Gaussian, view, cell) has a place of its own for its sums over that cell's pixels.
struct SlotArrays {
  float* sums;            ///< [slots, kSlotSums], order in blend_backward.cu; only where `written`
  std::uint8_t* written;  ///< [slots]
};

struct BatchPlan {
  std::size_t pair_bytes = 0, order_bytes = 0;
  std::size_t order_scratch_bytes = 0;  ///< part of order_bytes
};

struct EntryPlan {
  std::size_t list_bytes = 0, scratch_bytes = 0, slot_bytes = 0;
  std::size_t sort_scratch_bytes = 0;  ///< part of scratch_bytes
};

/// Throws where the shape is beyond what one batch can number, naming count and limit.
BatchPlan plan_batch(const BatchShape& shape);
EntryPlan plan_entries(const BatchShape& shape, const BatchTotals& totals);

PairArrays bind_pairs(void* block, const BatchShape& shape);
OrderArrays bind_order(void* block, const BatchPlan& plan, const BatchShape& shape);
EntryArrays bind_entries(void* block, const BatchShape& shape, const BatchTotals& totals);
EntryScratch bind_entry_scratch(void* block, const EntryPlan& plan, const BatchTotals& totals);
SlotArrays bind_slots(void* block, const BatchTotals& totals);

/// Slices, projects and colours every Gaussian in every view, orders the drawable pairs by depth, and counts
/// the places that they take. Waits for the stream.
BatchTotals project_and_count(const Batch& batch, const PairArrays& pairs, OrderArrays& order, Stream stream);

/// Writes the tile lists. `entries.pairs` may come back swapped with its spare.
void list_entries(const Batch& batch, const PairArrays& pairs, const OrderArrays& order,
                  const BatchTotals& totals, EntryArrays& entries, EntryScratch& scratch, Stream stream);

void blend_forward(const Batch& batch, const PairArrays& pairs, const EntryArrays& entries,
                   const BatchImages& images, const PixelArrays& pixels, Stream stream);

void blend_backward(const Batch& batch, const PairArrays& pairs, const EntryArrays& entries,
                    const BatchTotals& totals, const BatchImageGradients& v_images, const PixelArrays& pixels,
                    const SlotArrays& slots, Stream stream);

/// Numbers of scratch that chain_backward wants for pose gradients.
std::int64_t pose_partials(const BatchShape& shape);

/// Sums each Gaussian's slots over cells and views in one fixed order and adds the gradient of its parameters
/// to `v_gaussians`. `v_poses` [V] is written; it and `pose_partials` [pose_partials(shape)] may be null.
void chain_backward(const Batch& batch, const PairArrays& pairs, const SlotArrays& slots,
                    const GaussianGradientPointers<float>& v_gaussians, PoseGradient<float>* v_poses,
                    float* pose_partials, Stream stream);

}  // namespace renderfm::raster::cuda
