// Checkpoints: weights and the whole plan they were trained by, in one file.
//
// The file is in the safetensors format (8 bytes of header length, a JSON header, raw little-endian tensors),
// which Python opens without us. Its __metadata__ carries `format`, `plan` and `checksum`. Tensors are named
// by section: "weights/encoder.stages...". A reader takes the sections it knows, so a training run may add
// its own beside them.
#pragma once

#include <torch/types.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "renderfm/gaussian/priming.h"
#include "renderfm/nn/unet3d.h"

namespace renderfm {

inline constexpr int kCheckpointFormat = 1;
inline constexpr int kLayoutVersion = 1;  ///< of the 37 channels, gaussian/layout.h, and of the six inputs

/// Everything inference must do as training did.
struct Plan {
  std::string name = "unnamed";  ///< written into Gaussian files
  UNet3dConfig network;
  std::array<std::int64_t, 3> patch_zyx{112, 96, 128};
  double overlap = 0.5;
  double spacing_mm = 1.5;                  ///< finest voxel size seen in training
  double hu_scale = 1000;                   ///< the first input channel is HU divided by this
  Start start = Start::kPrimed;             ///< what the network's output is added to
  double least_sigma_voxels = 0;            ///< of C's diagonal: see corrected()
  bool mask_channel = true;                 ///< false: the sixth input channel is 0
  std::map<std::string, std::string> info;  ///< free text: data, steps, commit

  /// Throws kBadInput where patch, overlap or network cannot work together.
  void check() const;
  /// Reads `name, network, patch_zyx, overlap, spacing_mm, hu_scale, start, least_sigma_voxels, mask_channel,
  /// info`; missing keys keep their defaults.
  static Plan from(const ConfigNode& node);
};

struct Checkpoint {
  Plan plan;
  /// "weights/NAME" for the network; further sections belong to whoever wrote them.
  std::map<std::string, torch::Tensor> tensors;
  std::map<std::string, std::string> state;  ///< further sections that are text
};

/// Writes all of it, or nothing: the file appears when it is whole.
void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);

/// Throws kBadInput, in one sentence, for a file that is missing, no checkpoint, truncated, damaged or of
/// another version.
Checkpoint load_checkpoint(const std::filesystem::path& path);

/// The section that inference reads, and the way back.
void put_weights(Checkpoint& checkpoint, const UNet3d& network);
UNet3d network_from(const Checkpoint& checkpoint, const std::string& source);

}  // namespace renderfm
