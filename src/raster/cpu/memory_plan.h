// How many bytes the CPU backend takes, from counts: asked before every allocation that depends on the scene.
#pragma once

#include <algorithm>
#include <cstdint>

#include "raster/cpu/depth_order.h"
#include "raster/cpu/kernels.h"
#include "raster/cpu/tile_lists.h"

namespace renderfm::raster::cpu {

struct SceneSize {
  std::int64_t gaussians = 0, views = 0;
  int width = 0, height = 0;
  bool for_backward = false;

  std::int64_t pixels() const { return static_cast<std::int64_t>(width) * height; }
  std::int64_t tiles() const { return static_cast<std::int64_t>(tiles_over(width)) * tiles_over(height); }
  std::int64_t chunks() const { return (gaussians + kChunk - 1) / kChunk; }
};

/// Before anything about the scene is known: the records, one for every Gaussian that might be drawable.
template <class S>
std::int64_t record_bytes(const SceneSize& size) {
  const auto per_chunk = static_cast<std::int64_t>(sizeof(ChunkSummary<S>) + sizeof(std::int64_t));
  return size.views *
         (size.gaussians * static_cast<std::int64_t>(sizeof(SplatRecord<S>)) + size.chunks() * per_chunk);
}

/// After preprocessing: tile lists of all views, ordering of the largest, and what backward will read.
template <class S>
std::int64_t list_bytes(const SceneSize& size, std::int64_t entries, std::int64_t largest_drawable) {
  const std::int64_t lists = entries * 4 + size.views * (2 * size.tiles() + 1) * 8;
  const std::int64_t ordering =
      largest_drawable * static_cast<std::int64_t>(2 * sizeof(KeyedRow) + sizeof(TileRect)) +
      sort_histogram_count(largest_drawable) * 8 +
      tile_cursor_count(largest_drawable, size.width, size.height) * 8;
  const std::int64_t kept =
      size.for_backward ? size.views * size.pixels() * static_cast<std::int64_t>(sizeof(S) + 4) : 0;
  return lists + ordering + kept;
}

/// The backward pass of one batch of views: a gradient for every entry that was drawn, a link for every one.
template <class S>
std::int64_t backward_bytes(const SceneSize& size, std::int64_t entries, std::int64_t processed) {
  const auto poses = static_cast<std::int64_t>(sizeof(PoseGradient<S>)) * size.views * size.chunks();
  return processed * static_cast<std::int64_t>(sizeof(SplatGradient<S>)) + entries * 4 + poses +
         size.views * size.tiles() * 8;
}

/// Fails with kRuntime where `needed` exceeds `limit`, naming both and what to do.
void require_memory(std::int64_t needed, std::int64_t limit, const SceneSize& size, const char* stage);

}  // namespace renderfm::raster::cpu
