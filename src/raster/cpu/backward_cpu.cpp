#include <algorithm>

#include "raster/cpu/memory_plan.h"
#include "raster/cpu/render_cpu.h"
#include "raster/cpu/work_order.h"
#include "renderfm/core/parallel.h"
#include "renderfm/core/stop_watch.h"

namespace renderfm::raster::cpu {
namespace {

constexpr std::int64_t kLinksPerTask = 1 << 16;

template <class S>
void prepare(const ViewBuffers<S>& view, EntryGradients<S>& gradients) {
  gradients.first_of_tile.resize(view.processed.size());
  std::int64_t count = 0;
  for (std::size_t tile = 0; tile < view.processed.size(); ++tile) {
    gradients.first_of_tile[tile] = count;
    count += view.processed[tile];
  }
  gradients.values.reserve(count);
  std::uint32_t* const links = gradients.links.reserve(view.entry_count);
  parallel_for(0, view.entry_count, kLinksPerTask,
               [&](std::int64_t begin, std::int64_t end) { std::fill(links + begin, links + end, 0u); });
}

template <class S>
void blend_backward(const Recording<S>& recording, const std::vector<ImageGradientPointers<S>>& v_images,
                    int first_view, int view_count, std::vector<EntryGradients<S>>& gradients) {
  const ViewBuffers<S>* const views = recording.views.data() + first_view;
  const auto tiles = static_cast<std::int64_t>(views[0].processed.size());
  const std::vector<TileTask> tasks = longest_first(view_count, tiles, [&](std::int64_t v, std::int64_t t) {
    return views[v].processed[static_cast<std::size_t>(t)];
  });
  const Kernels<S>& kernel = kernels<S>();
  parallel_for(0, static_cast<std::int64_t>(tasks.size()), 1, [&](std::int64_t i, std::int64_t) {
    const TileTask task = tasks[static_cast<std::size_t>(i)];
    if (task.length == 0) return;
    const ViewBuffers<S>& view = views[task.view];
    EntryGradients<S>& own = gradients[static_cast<std::size_t>(task.view)];
    const std::int64_t first = own.first_of_tile[static_cast<std::size_t>(task.tile)];
    kernel.blend_tile_backward({view.records.data(), view.lists.entries + view.lists.first[task.tile],
                                task.length, static_cast<int>(task.tile % view.lists.tiles_across),
                                static_cast<int>(task.tile / view.lists.tiles_across),
                                v_images[static_cast<std::size_t>(first_view + task.view)],
                                view.transmittance.data(), view.stop.data(), own.values.data() + first,
                                static_cast<std::uint32_t>(first), own.links.data(),
                                view.chunk_first_slot.data()});
  });
}

// Chunks own their Gaussians, so their sums need no lock; the poses' are added chunk by chunk.
template <class S>
void chain_backward(const GaussianPointers<S>& gaussians, const std::vector<ChainView<S>>& views,
                    const GaussianGradientPointers<S>& v_gaussians, PoseGradient<S>* v_poses) {
  const std::size_t view_count = views.size();
  const auto chunks = static_cast<std::size_t>((gaussians.count + kChunk - 1) / kChunk);
  std::vector<PoseGradient<S>> partial(chunks * view_count);
  const Kernels<S>& kernel = kernels<S>();
  parallel_for(0, static_cast<std::int64_t>(chunks), 1, [&](std::int64_t chunk, std::int64_t) {
    kernel.chain_backward({gaussians, views.data(), static_cast<int>(view_count), v_gaussians,
                           partial.data() + static_cast<std::size_t>(chunk) * view_count},
                          chunk);
  });
  for (std::size_t v = 0; v < view_count; ++v) {
    PoseGradient<S> sum{};
    for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
      const PoseGradient<S>& part = partial[chunk * view_count + v];
      sum.position_mm = sum.position_mm + part.position_mm;
      sum.right = sum.right + part.right;
      sum.down = sum.down + part.down;
      sum.forward = sum.forward + part.forward;
    }
    v_poses[v] = sum;
  }
}

}  // namespace

template <class S>
BackwardStats backward_views(const GaussianPointers<S>& gaussians, const std::vector<View<S>>& views,
                             const Recording<S>& recording,
                             const std::vector<ImageGradientPointers<S>>& v_images,
                             const GaussianGradientPointers<S>& v_gaussians,
                             std::vector<PoseGradient<S>>& v_poses, Workspace<S>& workspace,
                             const RenderSettings& settings) {
  BackwardStats stats;
  v_poses.resize(views.size());
  const auto view_count = static_cast<int>(views.size());
  std::vector<EntryGradients<S>>& gradients = workspace.gradients;
  gradients.resize(std::max(gradients.size(), static_cast<std::size_t>(std::min(view_count, kMaxBatch))));
  for (int first = 0; first < view_count; first += kMaxBatch) {
    const int count = std::min(kMaxBatch, view_count - first);
    const SceneSize size{gaussians.count, count, v_images[0].width, v_images[0].height, true};
    std::int64_t entries = 0, processed = 0;
    for (int v = 0; v < count; ++v) {
      const ViewBuffers<S>& view = recording.views[static_cast<std::size_t>(first + v)];
      entries += view.entry_count;
      for (const std::int64_t of_tile : view.processed) processed += of_tile;
    }
    const std::int64_t need = backward_bytes<S>(size, entries, processed);
    require_memory(need, settings.memory_limit_bytes, size, "the gradient of");
    stats.predicted_bytes = std::max(stats.predicted_bytes, need);

    StopWatch watch;
    std::vector<ChainView<S>> chain;
    std::int64_t used = 0;
    for (int v = 0; v < count; ++v) {
      const auto index = static_cast<std::size_t>(first + v);
      const ViewBuffers<S>& view = recording.views[index];
      EntryGradients<S>& own = gradients[static_cast<std::size_t>(v)];
      prepare(view, own);
      used += own.bytes();
      chain.push_back({views[index], view.records.data(), view.chunks.data(), view.chunk_first_slot.data(),
                       own.links.data(), own.values.data()});
    }
    stats.used_bytes = std::max(stats.used_bytes, used);
    blend_backward(recording, v_images, first, count, gradients);
    stats.blend_s += watch.lap_s();
    chain_backward(gaussians, chain, v_gaussians, v_poses.data() + first);
    stats.chain_s += watch.lap_s();
  }
  return stats;
}

template BackwardStats backward_views(const GaussianPointers<float>&, const std::vector<View<float>>&,
                                      const Recording<float>&,
                                      const std::vector<ImageGradientPointers<float>>&,
                                      const GaussianGradientPointers<float>&,
                                      std::vector<PoseGradient<float>>&, Workspace<float>&,
                                      const RenderSettings&);
template BackwardStats backward_views(const GaussianPointers<double>&, const std::vector<View<double>>&,
                                      const Recording<double>&,
                                      const std::vector<ImageGradientPointers<double>>&,
                                      const GaussianGradientPointers<double>&,
                                      std::vector<PoseGradient<double>>&, Workspace<double>&,
                                      const RenderSettings&);

}  // namespace renderfm::raster::cpu
