// A network over a scan of any size: overlapping tiles of the plan's patch size, blended with Gaussian
// weights. Only foreground voxels have an output, so a full [out, D, H, W] volume never exists.
#pragma once

#include <torch/types.h>

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

namespace renderfm {

using IndexZyx = std::array<std::int64_t, 3>;

struct TilingPlan {
  IndexZyx patch_zyx{112, 96, 128};  ///< from the checkpoint, never from free memory
  double overlap =
      0.5;  ///< share of the patch that neighbours have in common, 0 to 0.75; a quarter shows seams
  std::int64_t alignment = 1;  ///< tiles start a multiple of this apart, so that strides fall alike in all
  std::vector<float> padding;  ///< [channels]: what lies outside the volume
};

/// Writes the input channels of the volume's voxels from `begin_zyx` on into `tile`, a [channels, d, h, w]
/// float32 view in CPU memory (not contiguous in general). All of its voxels lie inside the volume.
using FillTile = std::function<void(const IndexZyx& begin_zyx, const torch::Tensor& tile)>;

/// Input [channels, patch], voxels [n] int64 of the patch (flat, x fastest) -> [n, out] float32 in CPU
/// memory.
using RunTile = std::function<torch::Tensor(const torch::Tensor& input, const torch::Tensor& voxels)>;

/// Where the tiles start that cover voxels [first, last) of an axis. One tile, centred, where they fit into
/// one; otherwise up to 16 voxels of surroundings on either side are covered too, as in training, so that a
/// tile does not end where the foreground does. A start is negative only where the axis is shorter than the
/// patch.
std::vector<std::int64_t> tile_begins(std::int64_t first, std::int64_t last, std::int64_t size,
                                      std::int64_t patch, double overlap, std::int64_t alignment);

/// foreground [N] int64, distinct flat voxel indices of the volume, x fastest -> [N, out]. Tiles without a
/// foreground voxel are skipped. The result does not depend on the number of threads.
torch::Tensor tiled_inference(const TilingPlan& plan, const IndexZyx& shape_zyx,
                              const torch::Tensor& foreground, std::int64_t out_channels,
                              const FillTile& fill, const RunTile& run);

}  // namespace renderfm
