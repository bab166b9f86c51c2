#include "renderfm/model/network.h"

#include <fmt/core.h>

#include <utility>

#include "renderfm/core/check.h"
#include "renderfm/core/sha256.h"
#include "renderfm/tensor/check_tensor.h"
#include "renderfm/volume/volume.h"

namespace renderfm {

Network Network::load(const std::filesystem::path& path, torch::Device device) {
  const Checkpoint checkpoint = load_checkpoint(path);
  Network network(checkpoint.plan, network_from(checkpoint, path.string()));
  network.unet_.to(device);
  network.label_ = fmt::format("{} (sha256 {})", network.plan_.name, sha256_of_file(path).substr(0, 12));
  return network;
}

Network::Network(Plan plan, UNet3d unet)
    : plan_(std::move(plan)), unet_(std::move(unet)), label_(plan_.name) {
  plan_.check();
}

torch::Tensor Network::residual(const IndexZyx& shape_zyx, const FillTile& fill,
                                const torch::Tensor& foreground) const {
  TilingPlan tiling;
  tiling.patch_zyx = plan_.patch_zyx;
  tiling.overlap = plan_.overlap;
  tiling.alignment = plan_.network.side_multiple();
  // Outside the scan there is air that no transfer function shows.
  tiling.padding.assign(static_cast<std::size_t>(plan_.network.in_channels), 0.0f);
  tiling.padding[0] = static_cast<float>(kMinHu / plan_.hu_scale);
  const torch::Device device = unet_.device();
  return tiled_inference(tiling, shape_zyx, foreground, plan_.network.out_channels, fill,
                         [&](const torch::Tensor& input, const torch::Tensor& voxels) {
                           return unet_.infer(input.to(device), voxels).to(torch::kCPU);
                         });
}

torch::Tensor Network::residual(const torch::Tensor& input, const torch::Tensor& foreground) const {
  check_tensor(input, "network input", {plan_.network.in_channels, -1, -1, -1});
  const auto fill = [&](const IndexZyx& begin, const torch::Tensor& tile) {
    tile.copy_(input.narrow(1, begin[0], tile.size(1))
                   .narrow(2, begin[1], tile.size(2))
                   .narrow(3, begin[2], tile.size(3)));
  };
  return residual({input.size(1), input.size(2), input.size(3)}, fill, foreground);
}

}  // namespace renderfm
