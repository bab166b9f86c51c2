#include "renderfm/train/forward.h"

#include <ATen/autocast_mode.h>

#include <cmath>

#include "renderfm/gaussian/activate.h"
#include "renderfm/gaussian/layout.h"
#include "renderfm/model/correction.h"
#include "renderfm/raster/rasterize.h"
#include "renderfm/tensor/check_tensor.h"

namespace renderfm::train {
namespace {

// Convolutions in bf16 while it lives; LibTorch casts the weights and keeps the casts until the outermost
// ends.
class Bf16Network {
 public:
  Bf16Network(torch::DeviceType device, bool on) : device_(device), on_(on) {
    if (!on_) return;
    was_ = at::autocast::is_autocast_enabled(device_);
    type_ = at::autocast::get_autocast_dtype(device_);
    at::autocast::set_autocast_enabled(device_, true);
    at::autocast::set_autocast_dtype(device_, torch::kBFloat16);
    at::autocast::increment_nesting();
  }
  ~Bf16Network() {
    if (!on_) return;
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device_, was_);
    at::autocast::set_autocast_dtype(device_, type_);
  }
  Bf16Network(const Bf16Network&) = delete;
  Bf16Network& operator=(const Bf16Network&) = delete;

 private:
  torch::DeviceType device_;
  bool on_, was_ = false;
  at::ScalarType type_ = at::kFloat;
};

// What each of the 21 entries of L is: its range before exp (diagonals), and its unit.
struct CholColumns {
  torch::Tensor diagonal, low, high, unit;  // [21]
};

CholColumns chol_columns(Vec3d spacing_xyz_mm) {
  CholColumns c{torch::zeros({layout::kCholCount}, torch::kBool), torch::zeros({layout::kCholCount}),
                torch::zeros({layout::kCholCount}), torch::ones({layout::kCholCount})};
  for (int row = 0; row < 6; ++row) {
    const int on = layout::chol_index(row, row);
    c.diagonal[on] = true;
    c.low[on] = row < 3 ? layout::kMinLogDiagonalA : std::log(layout::kMinDiagonalC);
    c.high[on] = row < 3 ? layout::kMaxLogDiagonalA : std::log(layout::kMaxDiagonalC);
    if (row < 3) continue;
    for (int column = 0; column <= row; ++column) {
      c.unit[layout::chol_index(row, column)] = spacing_xyz_mm[row - 3];
    }
  }
  return c;
}

// 1 for channels that are the same from every side, 0 for the others.
torch::Tensor same_from_all_sides() {
  torch::Tensor keep = torch::zeros({layout::kChannels});
  keep.narrow(0, layout::kSh, 3).fill_(1);
  keep[layout::kOpacityLogit] = 1;
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column <= row; ++column) keep[layout::kChol + layout::c_index(row, column)] = 1;
  }
  return keep;
}

}  // namespace

GaussianSet activate_rows(const torch::Tensor& raw, const torch::Tensor& position_mm, Vec3d spacing_xyz_mm) {
  check_tensor(raw, "raw", {-1, layout::kChannels}, raw.scalar_type());
  const CholColumns columns = chol_columns(spacing_xyz_mm);
  const auto there = [&](const torch::Tensor& t) { return t.to(raw.options()); };
  GaussianSet set;
  set.position_mm = position_mm.to(raw.options());
  set.sh = raw.narrow(1, layout::kSh, layout::kShCount);
  set.opacity = raw.select(1, layout::kOpacityLogit).sigmoid();
  set.direction_mean = raw.narrow(1, layout::kDirectionMean, 3);
  const torch::Tensor chol = raw.narrow(1, layout::kChol, layout::kCholCount);
  const torch::Tensor diagonal =
      at::minimum(at::maximum(chol, there(columns.low)), there(columns.high)).exp();
  set.chol = at::where(columns.diagonal.to(raw.device()), diagonal, chol) * there(columns.unit);
  return set;
}

torch::Tensor predict_raw(const UNet3d& network, const TrainingSample& sample,
                          const ForwardOptions& options) {
  const torch::Device device = network.device();
  torch::Tensor rows;
  {
    const Bf16Network bf16(device.type(), options.bf16);
    rows = network.infer(sample.input.to(device), sample.voxels.to(device)).to(torch::kFloat32);
  }
  if (!options.view_dependent) rows = rows * same_from_all_sides().to(device);
  return corrected(sample.start.to(device), rows, options.least_sigma_voxels);
}

raster::RenderOutput draw_all(const torch::Tensor& raw, const TrainingSample& sample,
                              const std::vector<Camera>& cameras) {
  return raster::rasterize(activate_rows(raw, sample.position_mm, sample.spacing_xyz_mm), cameras);
}

torch::Tensor draw(const torch::Tensor& raw, const TrainingSample& sample,
                   const std::vector<Camera>& cameras) {
  return draw_all(raw, sample, cameras).rgb;
}

std::int64_t predicted_bytes(const UNet3dConfig& network, const std::array<std::int64_t, 3>& sides_zyx,
                             bool bf16) {
  const std::int64_t element = bf16 ? 2 : 4;
  const auto voxels_at = [&](std::int64_t stage) {
    return (sides_zyx[0] >> stage) * (sides_zyx[1] >> stage) * (sides_zyx[2] >> stage);
  };
  std::int64_t kept = network.in_channels * voxels_at(0) * 4, weights = 0, largest = 0;
  const auto block = [&](std::int64_t in, std::int64_t out, std::int64_t stage) {
    kept += 2 * out * voxels_at(stage) * element;  // before and after the norm
    weights += (27 * in + 3) * out;
    largest = std::max(largest, std::max(in, out) * voxels_at(stage) * element);
  };
  for (std::int64_t s = 0; s < network.stages; ++s) {
    for (std::int64_t c = 0; c < network.encoder_convs; ++c) {
      block(c > 0    ? network.features(s)
            : s == 0 ? network.in_channels
                     : network.features(s - 1),
            network.features(s), s);
    }
  }
  for (std::int64_t s = network.stages - 2; s >= 0; --s) {
    const std::int64_t out = network.features(s), in = network.features(s + 1);
    kept += 3 * out * voxels_at(s) * element;  // the transposed convolution's output, and it beside the skip
    weights += (8 * in + 1) * out;
    for (std::int64_t c = 0; c < network.decoder_convs; ++c) block(c == 0 ? 2 * out : out, out, s);
  }
  const std::int64_t head = 2 * network.out_channels * voxels_at(0) * 4;  // output and its gradient
  weights += (network.features(0) + 1) * network.out_channels;
  // On the way back three tensors of the widest layer live at once: gradients before and behind, and a copy.
  return kept + head + 3 * largest + 5 * 4 * weights;
}

}  // namespace renderfm::train
