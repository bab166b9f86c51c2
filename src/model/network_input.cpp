#include "renderfm/model/network_input.h"

#include <cmath>

#include "renderfm/core/parallel.h"
#include "renderfm/tensor/check_tensor.h"

namespace renderfm {

FillTile network_input(const Medium& medium, const Plan& plan) {
  return [&medium, per_hu = static_cast<float>(1 / plan.hu_scale), masked = plan.mask_channel ? 1.0F : 0.0F](
             const IndexZyx& begin_zyx, const torch::Tensor& tile) {
    check_tensor(tile, "tile", {6, -1, -1, -1});
    const Geometry& grid = medium.geometry();
    auto out = tile.accessor<float, 4>();
    parallel_for(0, tile.size(1), 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t k = first; k < last; ++k) {
        for (std::int64_t j = 0; j < tile.size(2); ++j) {
          const std::int64_t row = grid.offset(begin_zyx[0] + k, begin_zyx[1] + j, begin_zyx[2]);
          for (std::int64_t i = 0; i < tile.size(3); ++i) {
            const std::int64_t voxel = row + i;
            const Vec3f srgb = medium.srgb(voxel);
            out[0][k][j][i] = static_cast<float>(medium.hu()[voxel]) * per_hu;
            for (int channel = 0; channel < 3; ++channel) out[1 + channel][k][j][i] = srgb[channel];
            out[4][k][j][i] = -std::expm1(-medium.sigma_t_per_mm()[voxel]);
            out[5][k][j][i] = medium.foreground(voxel) ? masked : 0.0F;
          }
        }
      }
    });
  };
}

}  // namespace renderfm
