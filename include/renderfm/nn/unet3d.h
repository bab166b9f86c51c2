// The plain nnU-Net in three dimensions. The same weights in PyTorch's PlainConvUNet give the same output:
// the parameters carry its names, so a state_dict loads as it is.
#pragma once

#include <torch/types.h>

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "renderfm/core/config_node.h"
#include "renderfm/gaussian/layout.h"

namespace renderfm {

/// Sizes of the network. 32 features and 5 stages have 16.6 million weights.
struct UNet3dConfig {
  std::int64_t in_channels = 6;  ///< HU / 1000, red, green, blue, opacity, foreground mask
  std::int64_t out_channels = layout::kChannels;
  std::int64_t base_features = 32;  ///< of stage 0; each deeper stage has twice as many
  std::int64_t max_features = 320;
  std::int64_t stages = 5;         ///< resolutions; each is half the one before
  std::int64_t encoder_convs = 2;  ///< per stage
  std::int64_t decoder_convs = 2;

  std::int64_t features(std::int64_t stage) const;
  /// Every side of an input must be a multiple of this.
  std::int64_t side_multiple() const { return std::int64_t{1} << (stages - 1); }
  /// Throws kBadInput unless a network of these sizes can be built.
  void check() const;

  /// Missing keys keep their defaults; without `stages` the depth follows from the patch.
  static UNet3dConfig from(const ConfigNode& node, const std::array<std::int64_t, 3>& patch_zyx);

  bool operator==(const UNet3dConfig&) const = default;
};

/// Halve the shortest side while at least 6 voxels remain: 96 gives 5 stages, 64 gives 4.
std::int64_t stages_for_patch(const std::array<std::int64_t, 3>& patch_zyx);

struct NamedTensor {
  std::string name;  ///< as in PlainConvUNet's state_dict
  torch::Tensor tensor;
};

/// Encoder and decoder of 3x3x3 convolutions, instance norm and leaky ReLU; strided convolutions lead down,
/// transposed ones up.
class UNet3d {
 public:
  /// He initialisation from the seed; the last convolution starts at zero, so the output is exactly zero.
  UNet3d(const UNet3dConfig& config, std::uint64_t seed);

  const UNet3dConfig& config() const { return config_; }

  /// [B, in, D, H, W] -> [B, out, D, H, W]. Differentiable in the parameters while gradients are enabled.
  /// Sides must be multiples of side_multiple(): whoever cuts the tiles pads.
  torch::Tensor forward(const torch::Tensor& input) const;

  /// One tile, the output at chosen voxels only, so the last, widest convolution skips the others: [in, d, h,
  /// w], voxels [n] int64 (flat, x fastest) -> [n, out]. Differentiable in weights that require gradients.
  torch::Tensor infer(const torch::Tensor& input, const torch::Tensor& voxels) const;

  /// In a fixed order. The tensors are the network's own: an optimizer may write to them.
  const std::vector<NamedTensor>& parameters() const { return parameters_; }
  std::int64_t parameter_count() const;

  /// Copies the weights in. Names that PlainConvUNet repeats or that only deep supervision uses are passed
  /// over; any other difference throws kBadInput, naming the first and `source`.
  void load(const std::map<std::string, torch::Tensor>& weights, const std::string& source);

  void to(torch::Device device);
  torch::Device device() const { return parameters_.front().tensor.device(); }

 private:
  struct Conv {
    torch::Tensor weight, bias, norm_weight, norm_bias;
    std::int64_t stride = 1;
  };
  struct Up {
    torch::Tensor weight, bias;
  };

  void bind();
  void check_input(torch::IntArrayRef sides) const;
  torch::Tensor forward_plain(torch::Tensor x) const;
  torch::Tensor features_cpu(const torch::Tensor& input) const;
  torch::Tensor head_rows(const torch::Tensor& rows, const torch::Tensor& voxels) const;

  UNet3dConfig config_;
  std::vector<NamedTensor> parameters_;
  std::vector<std::vector<Conv>> encoder_, decoder_;  // views of parameters_; the decoder from the deepest up
  std::vector<Up> ups_;
  torch::Tensor head_weight_, head_bias_;
};

}  // namespace renderfm
