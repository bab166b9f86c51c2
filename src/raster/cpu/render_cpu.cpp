#include "raster/cpu/render_cpu.h"

#include <algorithm>
#include <limits>

#include "raster/cpu/memory_plan.h"
#include "raster/cpu/work_order.h"
#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/core/stop_watch.h"

namespace renderfm::raster::cpu {
namespace {

// Records of a batch that is not kept: as many views at once as fit in this.
constexpr std::int64_t kBatchRecordBytes = std::int64_t{1} << 29;

template <class S>
std::int64_t bytes_of(const std::vector<ViewBuffers<S>>& views) {
  std::int64_t sum = 0;
  for (const ViewBuffers<S>& view : views) sum += view.bytes();
  return sum;
}

template <class S>
int batch_size(std::int64_t gaussians, bool recording) {
  if (recording) return kMaxBatch;
  const auto per_view =
      std::max<std::int64_t>(1, gaussians * static_cast<std::int64_t>(sizeof(SplatRecord<S>)));
  return static_cast<int>(std::clamp<std::int64_t>(kBatchRecordBytes / per_view, 1, kMaxBatch));
}

// Views [first, first + count) of a call, with the buffers of each.
template <class S>
struct Batch {
  const View<S>* views;
  const ImagePointers<S>* images;
  ViewBuffers<S>* buffers;
  SceneSize size;
};

template <class S>
void preprocess(const GaussianPointers<S>& gaussians, const Batch<S>& batch, RenderStats& stats) {
  const auto chunks = static_cast<std::size_t>(batch.size.chunks());
  const auto view_count = static_cast<int>(batch.size.views);
  SplatRecord<S>* records[kMaxBatch];
  for (int v = 0; v < view_count; ++v) {
    records[v] = batch.buffers[v].records.reserve(gaussians.count);
    batch.buffers[v].chunks.resize(chunks);
    batch.buffers[v].chunk_first_slot.resize(chunks);
  }
  const PreprocessParams<S> params{gaussians, batch.views, records, view_count};
  const Kernels<S>& kernel = kernels<S>();
  parallel_for(0, gaussians.count, kChunk, [&](std::int64_t begin, std::int64_t end) {
    ChunkSummary<S> summaries[kMaxBatch];
    kernel.preprocess(params, begin, end, summaries);
    for (int v = 0; v < view_count; ++v) {
      batch.buffers[v].chunks[static_cast<std::size_t>(begin / kChunk)] = summaries[v];
    }
  });
  for (int v = 0; v < view_count; ++v) {
    ViewBuffers<S>& view = batch.buffers[v];
    std::int64_t not_finite = 0;
    view.drawable = view.entry_count = 0;
    for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
      view.chunk_first_slot[chunk] = view.entry_count;
      view.drawable += view.chunks[chunk].drawable;
      view.entry_count += view.chunks[chunk].entries;
      not_finite += view.chunks[chunk].not_finite;
    }
    stats.not_finite = std::max(stats.not_finite, not_finite);
  }
}

// Keys of the drawable Gaussians, packed, in index order.
template <class S>
KeyedRow* make_keys(const ViewBuffers<S>& view, const SplatRecord<S>* records, Scratch<KeyedRow>& scratch) {
  S z_min = S(kFarZ), z_max = S(0);
  std::vector<std::int64_t> first(view.chunks.size());
  std::int64_t count = 0;
  for (std::size_t chunk = 0; chunk < first.size(); ++chunk) {
    first[chunk] = count;
    count += view.chunks[chunk].drawable;
    z_min = std::min(z_min, view.chunks[chunk].z_min);
    z_max = std::max(z_max, view.chunks[chunk].z_max);
  }
  KeyedRow* const keys = scratch.reserve(count);
  parallel_for(0, static_cast<std::int64_t>(first.size()), 1, [&](std::int64_t chunk, std::int64_t) {
    KeyedRow* out = keys + first[static_cast<std::size_t>(chunk)];
    const std::int64_t begin = chunk * kChunk;
    const std::int64_t end = begin + view.chunks[static_cast<std::size_t>(chunk)].drawable;
    for (std::int64_t row = begin; row < end; ++row) {
      *out++ = {depth_key(records[row].z, z_min, z_max), static_cast<std::uint32_t>(row)};
    }
  });
  return keys;
}

template <class S>
void blend(const Batch<S>& batch, bool count_pairs, RenderStats& stats) {
  const std::int64_t tiles = batch.size.tiles();
  for (std::int64_t v = 0; v < batch.size.views; ++v) {
    ViewBuffers<S>& view = batch.buffers[v];
    view.processed.assign(static_cast<std::size_t>(tiles), 0);
    if (batch.size.for_backward) {
      view.transmittance.reserve(batch.size.pixels());
      view.stop.reserve(batch.size.pixels());
    }
  }
  const std::vector<TileTask> tasks =
      longest_first(batch.size.views, tiles, [&](std::int64_t v, std::int64_t t) {
        const TileLists& lists = batch.buffers[v].lists;
        return lists.first[t + 1] - lists.first[t];
      });
  const Kernels<S>& kernel = kernels<S>();
  std::vector<std::int64_t> contributing(count_pairs ? tasks.size() : 0);
  parallel_for(0, static_cast<std::int64_t>(tasks.size()), 1, [&](std::int64_t i, std::int64_t) {
    const TileTask task = tasks[static_cast<std::size_t>(i)];
    ViewBuffers<S>& view = batch.buffers[task.view];
    const TileLists& lists = view.lists;
    const BlendTileParams<S> params{view.records.data(),
                                    lists.entries + lists.first[task.tile],
                                    lists.first[task.tile + 1] - lists.first[task.tile],
                                    static_cast<int>(task.tile % lists.tiles_across),
                                    static_cast<int>(task.tile / lists.tiles_across),
                                    batch.images[task.view],
                                    view.transmittance.data(),
                                    view.stop.data()};
    const BlendCounts counts = count_pairs ? kernel.blend_tile_counting(params) : kernel.blend_tile(params);
    view.processed[static_cast<std::size_t>(task.tile)] = counts.processed;
    if (count_pairs) contributing[static_cast<std::size_t>(i)] = counts.contributing;
  });
  for (const std::int64_t pairs : contributing) stats.contributing += pairs;
}

template <class S>
void render_batch(const GaussianPointers<S>& gaussians, const Batch<S>& batch, OrderScratch& order,
                  const RenderSettings& settings, RenderStats& stats) {
  const std::int64_t first_need = record_bytes<S>(batch.size);
  require_memory(first_need, settings.memory_limit_bytes, batch.size, "drawing");
  StopWatch watch;
  preprocess(gaussians, batch, stats);
  stats.preprocess_s += watch.lap_s();

  std::int64_t entries = 0, largest = 0;
  for (std::int64_t v = 0; v < batch.size.views; ++v) {
    const ViewBuffers<S>& view = batch.buffers[v];
    RFM_CHECK(view.entry_count < std::numeric_limits<std::uint32_t>::max(),
              "one view has {} pairs of a Gaussian and a tile, more than {}; draw a smaller picture or fewer "
              "Gaussians",
              view.entry_count, std::numeric_limits<std::uint32_t>::max());
    entries += view.entry_count;
    largest = std::max(largest, view.drawable);
    stats.drawable += view.drawable;
  }
  stats.entries += entries;
  const std::int64_t more = list_bytes<S>(batch.size, entries, largest);
  // What the first stage took is no longer part of what is left.
  require_memory(settings.memory_limit_bytes > 0 ? first_need + more : more, settings.memory_limit_bytes,
                 batch.size, "drawing");
  stats.predicted_bytes = std::max(stats.predicted_bytes, first_need + more);

  for (std::int64_t v = 0; v < batch.size.views; ++v) {
    ViewBuffers<S>& view = batch.buffers[v];
    const SplatRecord<S>* const records = view.records.data();
    KeyedRow* const keys = make_keys(view, records, order.keys);
    const KeyedRow* const sorted = sort_by_key(keys, view.drawable, order.sort);
    stats.order_s += watch.lap_s();
    view.lists = make_tile_lists(records, sorted, view.drawable, batch.size.width, batch.size.height,
                                 order.tiles, view.first_of_tile, view.entries);
    stats.tiles_s += watch.lap_s();
  }
  blend(batch, settings.count_pairs, stats);
  for (std::int64_t v = 0; v < batch.size.views; ++v) {
    for (const std::int64_t count : batch.buffers[v].processed) stats.processed += count;
  }
  stats.blend_s += watch.lap_s();
}

}  // namespace

template <class S>
std::int64_t Workspace<S>::bytes() const {
  std::int64_t sum = order.bytes() + bytes_of(views);
  for (const EntryGradients<S>& of_view : gradients) sum += of_view.bytes();
  return sum;
}
template <class S>
std::int64_t Recording<S>::bytes() const {
  return bytes_of(views);
}

template <class S>
RenderStats render_views(const GaussianPointers<S>& gaussians, const std::vector<View<S>>& views,
                         const std::vector<ImagePointers<S>>& images, Workspace<S>& workspace,
                         Recording<S>* recording, const RenderSettings& settings) {
  RFM_CHECK(gaussians.count < std::numeric_limits<std::uint32_t>::max(),
            "{} Gaussians are more than one render can number ({}); draw them in parts", gaussians.count,
            std::numeric_limits<std::uint32_t>::max());
  // A pixel's place in its tile's list is kept in an S.
  RFM_CHECK(recording == nullptr || gaussians.count < (std::int64_t{1} << 24),
            "{} Gaussians are more than a render with gradients can number ({})", gaussians.count, 1 << 24);
  RenderStats stats;
  const auto view_count = static_cast<int>(views.size());
  const int batch_views = batch_size<S>(gaussians.count, recording != nullptr);
  if (recording != nullptr) recording->views.resize(views.size());
  if (recording == nullptr && workspace.views.size() < static_cast<std::size_t>(batch_views)) {
    workspace.views.resize(static_cast<std::size_t>(std::min(batch_views, view_count)));
  }
  for (int first = 0; first < view_count; first += batch_views) {
    const int count = std::min(batch_views, view_count - first);
    const Batch<S> batch{
        views.data() + first, images.data() + first,
        recording != nullptr ? recording->views.data() + first : workspace.views.data(),
        SceneSize{gaussians.count, count, images[0].width, images[0].height, recording != nullptr}};
    render_batch(gaussians, batch, workspace.order, settings, stats);
  }
  return stats;
}

template struct Workspace<float>;
template struct Workspace<double>;
template struct Recording<float>;
template struct Recording<double>;
template RenderStats render_views(const GaussianPointers<float>&, const std::vector<View<float>>&,
                                  const std::vector<ImagePointers<float>>&, Workspace<float>&,
                                  Recording<float>*, const RenderSettings&);
template RenderStats render_views(const GaussianPointers<double>&, const std::vector<View<double>>&,
                                  const std::vector<ImagePointers<double>>&, Workspace<double>&,
                                  Recording<double>*, const RenderSettings&);

}  // namespace renderfm::raster::cpu
