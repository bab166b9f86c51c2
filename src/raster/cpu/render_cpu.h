// The CPU backend without Torch: preprocess, order by depth, cut into tiles, blend; and back. S is float, or
// double where gradients are checked.
#pragma once

#include <cstdint>
#include <vector>

#include "raster/cpu/view_buffers.h"
#include "renderfm/raster/raster_params.h"
#include "renderfm/raster/splat.h"

namespace renderfm::raster::cpu {

/// Views whose Gaussians are loaded together.
inline constexpr int kMaxBatch = 8;

/// What a call met, summed over its views. The pair count stays 0 unless asked for.
struct RenderStats {
  std::int64_t drawable = 0;
  std::int64_t not_finite = 0;       ///< Gaussians dropped, of the view that dropped most
  std::int64_t entries = 0;          ///< (Gaussian, tile) pairs
  std::int64_t processed = 0;        ///< of them, looked at before their tile closed
  std::int64_t contributing = 0;     ///< (Gaussian, pixel) pairs
  std::int64_t predicted_bytes = 0;  ///< of the largest batch: all buffers, by memory_plan.h
  double preprocess_s = 0, order_s = 0, tiles_s = 0, blend_s = 0;
};

/// Scratch memory of a render, for reuse by the next.
template <class S>
struct Workspace {
  OrderScratch order;
  std::vector<ViewBuffers<S>> views;
  std::vector<EntryGradients<S>> gradients;
  std::int64_t bytes() const;
};

/// What a backward pass needs of its forward pass.
template <class S>
struct Recording {
  std::vector<ViewBuffers<S>> views;
  std::int64_t bytes() const;
};

struct RenderSettings {
  bool count_pairs = false;
  std::int64_t memory_limit_bytes = 0;  ///< 0: what the machine has left
};

/// Draws views of one size; images[v] receives view v. With a recording (empty before) it can be undone.
/// Equal bits for any thread count and any batch of views.
template <class S>
RenderStats render_views(const GaussianPointers<S>& gaussians, const std::vector<View<S>>& views,
                         const std::vector<ImagePointers<S>>& images, Workspace<S>& workspace,
                         Recording<S>* recording = nullptr, const RenderSettings& settings = {});

struct BackwardStats {
  std::int64_t predicted_bytes = 0, used_bytes = 0;  ///< of the largest batch
  double blend_s = 0, chain_s = 0;
};

/// Adds to v_gaussians and writes v_poses [views]. Gaussians and views must be those of the recording.
/// Equal bits for any thread count.
template <class S>
BackwardStats backward_views(const GaussianPointers<S>& gaussians, const std::vector<View<S>>& views,
                             const Recording<S>& recording,
                             const std::vector<ImageGradientPointers<S>>& v_images,
                             const GaussianGradientPointers<S>& v_gaussians,
                             std::vector<PoseGradient<S>>& v_poses, Workspace<S>& workspace,
                             const RenderSettings& settings = {});

}  // namespace renderfm::raster::cpu
