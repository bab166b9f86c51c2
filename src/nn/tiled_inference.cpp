#include "renderfm/nn/tiled_inference.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/core/progress.h"
#include "renderfm/tensor/check_tensor.h"

namespace renderfm {
namespace {

constexpr std::int64_t kSurroundings = 16;  // voxels, the halo of a training crop
constexpr double kSigmaPerPatch = 1.0 / 8;  // a tile's border then weighs 3e-4 of its centre
constexpr std::int64_t kVoxelGrain = 4096;

IndexZyx index_of(std::int64_t voxel, const IndexZyx& shape) {
  return {voxel / (shape[1] * shape[2]), voxel / shape[2] % shape[1], voxel % shape[2]};
}

struct Box {
  IndexZyx first, last;  // last is one past the end
};

Box bounding_box(const std::int64_t* voxels, std::int64_t count, const IndexZyx& shape) {
  Box box{shape, {0, 0, 0}};
  for (std::int64_t n = 0; n < count; ++n) {
    const IndexZyx index = index_of(voxels[n], shape);
    for (std::size_t axis = 0; axis < 3; ++axis) {
      box.first[axis] = std::min(box.first[axis], index[axis]);
      box.last[axis] = std::max(box.last[axis], index[axis] + 1);
    }
  }
  return box;
}

// A bell over one axis of the patch, 1 in the middle.
std::vector<float> axis_weights(std::int64_t patch) {
  std::vector<float> weights(static_cast<std::size_t>(patch));
  for (std::int64_t i = 0; i < patch; ++i) {
    const double u = (static_cast<double>(i) + 0.5 - static_cast<double>(patch) / 2) /
                     (kSigmaPerPatch * static_cast<double>(patch));
    weights[static_cast<std::size_t>(i)] = static_cast<float>(std::exp(-0.5 * u * u));
  }
  return weights;
}

torch::Tensor tile_input(const TilingPlan& plan, const IndexZyx& begin, const IndexZyx& shape,
                         const FillTile& fill) {
  const auto channels = static_cast<std::int64_t>(plan.padding.size());
  const IndexZyx& patch = plan.patch_zyx;
  torch::Tensor input = torch::empty({channels, patch[0], patch[1], patch[2]}, torch::kFloat32);
  torch::Tensor inside = input;
  IndexZyx inside_begin{};
  bool padded = false;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    inside_begin[axis] = std::max<std::int64_t>(0, begin[axis]);
    const std::int64_t end = std::min(shape[axis], begin[axis] + patch[axis]);
    padded = padded || end - inside_begin[axis] < patch[axis];
    inside = inside.narrow(static_cast<std::int64_t>(axis) + 1, inside_begin[axis] - begin[axis],
                           end - inside_begin[axis]);
  }
  if (padded) {
    for (std::int64_t c = 0; c < channels; ++c) input[c].fill_(plan.padding[static_cast<std::size_t>(c)]);
  }
  fill(inside_begin, inside);
  return input;
}

}  // namespace

std::vector<std::int64_t> tile_begins(std::int64_t first, std::int64_t last, std::int64_t size,
                                      std::int64_t patch, double overlap, std::int64_t alignment) {
  if (size < patch) return {-(patch - size) / 2};
  if (last - first <= patch) {
    return {std::clamp<std::int64_t>(first - (patch - (last - first)) / 2, 0, size - patch)};
  }
  std::int64_t low = std::max<std::int64_t>(0, first - kSurroundings);
  const std::int64_t high = std::min(size, last + kSurroundings);
  // The distance from the first start to the last, in units of the alignment, rounded up; what that adds is
  // taken below where the volume has it, else it hangs over the upper end as padding.
  const std::int64_t units = (high - low - patch + alignment - 1) / alignment;
  low = std::max<std::int64_t>(0, std::min(low, high - patch - units * alignment));
  const auto step_voxels = static_cast<std::int64_t>(static_cast<double>(patch) * (1 - overlap));
  const std::int64_t step = std::max<std::int64_t>(1, step_voxels / alignment);
  const std::int64_t intervals = (units + step - 1) / step;
  std::vector<std::int64_t> begins{low};
  for (std::int64_t i = 1; i <= intervals; ++i) begins.push_back(low + (i * units / intervals) * alignment);
  return begins;
}

torch::Tensor tiled_inference(const TilingPlan& plan, const IndexZyx& shape_zyx,
                              const torch::Tensor& foreground, std::int64_t out_channels,
                              const FillTile& fill, const RunTile& run) {
  check_tensor(foreground, "foreground", {-1}, torch::kInt64);
  const IndexZyx& patch = plan.patch_zyx;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    RFM_CHECK(patch[axis] > 0 && plan.alignment > 0 && patch[axis] % plan.alignment == 0,
              "tile side {} is not a multiple of {}", patch[axis], plan.alignment);
  }
  RFM_CHECK(plan.overlap >= 0 && plan.overlap <= 0.75, "tile overlap is {}, expected 0 to 0.75",
            plan.overlap);

  const torch::Tensor voxels = foreground.contiguous();
  const std::int64_t count = voxels.size(0);
  const std::int64_t* voxel = voxels.const_data_ptr<std::int64_t>();
  torch::Tensor output = torch::zeros({count, out_channels}, torch::kFloat32);
  if (count == 0) return output;
  const Box box = bounding_box(voxel, count, shape_zyx);
  std::array<std::vector<std::int64_t>, 3> begins;
  std::array<std::vector<float>, 3> weights;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    begins[axis] = tile_begins(box.first[axis], box.last[axis], shape_zyx[axis], patch[axis], plan.overlap,
                               plan.alignment);
    weights[axis] = axis_weights(patch[axis]);
  }
  const auto tiles = static_cast<std::int64_t>(begins[0].size() * begins[1].size() * begins[2].size());

  std::vector<float> weight_sum(static_cast<std::size_t>(count), 0.0f);
  float* sums = output.data_ptr<float>();
  Progress progress("network", tiles);
  for (std::int64_t tile = 0; tile < tiles; ++tile, progress.advance()) {
    const IndexZyx tile_index = index_of(
        tile, {static_cast<std::int64_t>(begins[0].size()), static_cast<std::int64_t>(begins[1].size()),
               static_cast<std::int64_t>(begins[2].size())});
    IndexZyx begin{};
    for (std::size_t axis = 0; axis < 3; ++axis)
      begin[axis] = begins[axis][static_cast<std::size_t>(tile_index[axis])];

    std::vector<std::int64_t> members, in_tile;  // places in the foreground list; flat voxels of the patch
    for (std::int64_t n = 0; n < count; ++n) {
      const IndexZyx index = index_of(voxel[n], shape_zyx);
      const IndexZyx local{index[0] - begin[0], index[1] - begin[1], index[2] - begin[2]};
      if (local[0] < 0 || local[0] >= patch[0] || local[1] < 0 || local[1] >= patch[1] || local[2] < 0 ||
          local[2] >= patch[2]) {
        continue;
      }
      members.push_back(n);
      in_tile.push_back((local[0] * patch[1] + local[1]) * patch[2] + local[2]);
    }
    if (members.empty()) continue;

    const auto found = static_cast<std::int64_t>(members.size());
    const torch::Tensor values = run(tile_input(plan, begin, shape_zyx, fill),
                                     torch::from_blob(in_tile.data(), {found}, torch::kInt64));
    check_tensor(values, "network output", {found, out_channels});
    if (tiles == 1) return values;
    const torch::Tensor rows = values.contiguous();
    const float* value = rows.const_data_ptr<float>();
    parallel_for(0, found, kVoxelGrain, [&](std::int64_t chunk_begin, std::int64_t chunk_end) {
      for (std::int64_t m = chunk_begin; m < chunk_end; ++m) {
        const auto place = static_cast<std::size_t>(m);
        const IndexZyx local = index_of(in_tile[place], patch);
        const float weight = weights[0][static_cast<std::size_t>(local[0])] *
                             weights[1][static_cast<std::size_t>(local[1])] *
                             weights[2][static_cast<std::size_t>(local[2])];
        const std::int64_t n = members[place];
        weight_sum[static_cast<std::size_t>(n)] += weight;
        for (std::int64_t c = 0; c < out_channels; ++c) {
          sums[n * out_channels + c] += weight * value[m * out_channels + c];
        }
      }
    });
  }
  parallel_for(0, count, kVoxelGrain, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t n = first; n < last; ++n) {
      const float factor = 1.0f / weight_sum[static_cast<std::size_t>(n)];
      for (std::int64_t c = 0; c < out_channels; ++c) sums[n * out_channels + c] *= factor;
    }
  });
  return output;
}

}  // namespace renderfm
