#include "raster/cpu/render_cpu.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <numeric>
#include <vector>

#include "raster/cpu/depth_order.h"
#include "raster/cpu/kernels.h"
#include "raster/cpu/scratch.h"
#include "raster/cpu/tile_lists.h"
#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"

namespace renderfm::raster::cpu {

struct Workspace::Buffers {
  Scratch<SplatRecord> records;
  Scratch<KeyedRow> keys;
  SortScratch sort;
  TileScratch tiles;
};

Workspace::Workspace() : buffers_(std::make_unique<Buffers>()) {}
Workspace::~Workspace() = default;
Workspace::Workspace(Workspace&&) noexcept = default;
Workspace& Workspace::operator=(Workspace&&) noexcept = default;

std::int64_t Workspace::bytes() const {
  const Buffers& b = *buffers_;
  return b.records.bytes() + b.keys.bytes() + b.sort.other.bytes() + b.sort.histogram.bytes() +
         b.tiles.rects.bytes() + b.tiles.cursor.bytes() + b.tiles.first.bytes() + b.tiles.entries.bytes();
}

namespace {

constexpr std::int64_t kChunk = 4096;  // Gaussians a task; a multiple of every pack width

class StopWatch {
 public:
  double lap_s() {
    const auto now = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(now - last_).count();
    last_ = now;
    return seconds;
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

// Writes each drawable Gaussian's record at the start of its chunk and its key to one packed array, in index
// order.
std::int64_t preprocess(const Kernels& kernel, const GaussianPointers& gaussians, const View<float>& view,
                        Workspace::Buffers& buffers, RenderStats& stats) {
  const std::int64_t chunks = (gaussians.count + kChunk - 1) / kChunk;
  SplatRecord* const records = buffers.records.reserve(gaussians.count);
  std::vector<ChunkSummary> summaries(static_cast<std::size_t>(chunks));
  const PreprocessParams params{gaussians, view};
  parallel_for(0, gaussians.count, kChunk, [&](std::int64_t begin, std::int64_t end) {
    summaries[static_cast<std::size_t>(begin / kChunk)] =
        kernel.preprocess(params, begin, end, records + begin);
  });

  std::vector<std::int64_t> first(static_cast<std::size_t>(chunks));
  float z_min = std::numeric_limits<float>::infinity(), z_max = -z_min;
  for (std::size_t chunk = 0; chunk < first.size(); ++chunk) {
    const ChunkSummary& summary = summaries[chunk];
    first[chunk] = stats.drawable;
    stats.drawable += summary.drawable;
    stats.not_finite += summary.not_finite;
    z_min = std::min(z_min, summary.z_min);
    z_max = std::max(z_max, summary.z_max);
  }
  KeyedRow* const keys = buffers.keys.reserve(stats.drawable);
  parallel_for(0, chunks, 1, [&](std::int64_t chunk, std::int64_t) {
    KeyedRow* out = keys + first[static_cast<std::size_t>(chunk)];
    const std::int64_t begin = chunk * kChunk;
    const std::int64_t end = begin + summaries[static_cast<std::size_t>(chunk)].drawable;
    for (std::int64_t row = begin; row < end; ++row) {
      *out++ = {depth_key(records[row].z, z_min, z_max), static_cast<std::uint32_t>(row)};
    }
  });
  return stats.drawable;
}

}  // namespace

RenderStats render_view(const GaussianPointers& gaussians, const View<float>& view,
                        const ImagePointers& image, Workspace& workspace, bool count_pairs) {
  RFM_CHECK(gaussians.count < std::numeric_limits<std::uint32_t>::max(),
            "{} Gaussians are more than one render can number ({}); draw them in parts", gaussians.count,
            std::numeric_limits<std::uint32_t>::max());
  const Kernels& kernel = kernels();
  Workspace::Buffers& buffers = workspace.buffers();
  RenderStats stats;
  StopWatch watch;
  preprocess(kernel, gaussians, view, buffers, stats);
  stats.preprocess_s = watch.lap_s();
  const KeyedRow* const order = sort_by_key(buffers.keys.reserve(0), stats.drawable, buffers.sort);
  stats.order_s = watch.lap_s();
  const SplatRecord* const records = buffers.records.reserve(0);
  const TileLists lists =
      make_tile_lists(records, order, stats.drawable, image.width, image.height, buffers.tiles);
  stats.entries = lists.entry_count;
  stats.tiles_s = watch.lap_s();

  // The longest lists first: no thread is left with a heavy tile at the end.
  const std::int64_t tile_count = static_cast<std::int64_t>(lists.tiles_across) * lists.tiles_down;
  std::vector<std::int64_t> tile_order(static_cast<std::size_t>(tile_count));
  std::iota(tile_order.begin(), tile_order.end(), std::int64_t{0});
  const auto length = [&](std::int64_t tile) { return lists.first[tile + 1] - lists.first[tile]; };
  std::stable_sort(tile_order.begin(), tile_order.end(),
                   [&](std::int64_t a, std::int64_t b) { return length(a) > length(b); });
  std::vector<BlendCounts> counts(count_pairs ? tile_order.size() : 0);
  parallel_for(0, tile_count, 1, [&](std::int64_t i, std::int64_t) {
    const std::int64_t tile = tile_order[static_cast<std::size_t>(i)];
    const BlendTileParams params{records,
                                 lists.entries + lists.first[tile],
                                 length(tile),
                                 static_cast<int>(tile % lists.tiles_across),
                                 static_cast<int>(tile / lists.tiles_across),
                                 image};
    if (count_pairs) {
      counts[static_cast<std::size_t>(i)] = kernel.blend_tile_counting(params);
    } else {
      kernel.blend_tile(params);
    }
  });
  for (const BlendCounts& c : counts) {
    stats.processed += c.processed;
    stats.contributing += c.contributing;
  }
  stats.blend_s = watch.lap_s();
  return stats;
}

}  // namespace renderfm::raster::cpu
