// The CPU backend without Torch: preprocess, order by depth, cut into tiles, blend.
#pragma once

#include <cstdint>
#include <memory>

#include "renderfm/raster/raster_params.h"

namespace renderfm::raster::cpu {

/// What one view met. The pair counts stay 0 unless asked for.
struct RenderStats {
  std::int64_t drawable = 0, not_finite = 0;
  std::int64_t entries = 0;       ///< (Gaussian, tile) pairs
  std::int64_t processed = 0;     ///< of them, looked at before their tile closed
  std::int64_t contributing = 0;  ///< (Gaussian, pixel) pairs
  double preprocess_s = 0, order_s = 0, tiles_s = 0, blend_s = 0;
};

/// Scratch memory of a render, for reuse by the next.
class Workspace {
 public:
  Workspace();
  ~Workspace();
  Workspace(Workspace&&) noexcept;
  Workspace& operator=(Workspace&&) noexcept;

  struct Buffers;
  Buffers& buffers() { return *buffers_; }
  std::int64_t bytes() const;

 private:
  std::unique_ptr<Buffers> buffers_;
};

/// Draws one view; equal bits for any thread count.
RenderStats render_view(const GaussianPointers& gaussians, const View<float>& view,
                        const ImagePointers& image, Workspace& workspace, bool count_pairs = false);

}  // namespace renderfm::raster::cpu
