// Pictures on disk and the one pair of functions between linear light and display values.
#pragma once

#include <torch/types.h>

#include <filesystem>
#include <string>

namespace renderfm {

/// Writes 8-bit PNG from display-referred values [3 or 4, H, W] float32, clamped to [0, 1]; rounds to
/// nearest. Atomic.
void write_png(const torch::Tensor& srgb, const std::filesystem::path& path);

/// The bytes of that file.
std::string encode_png(const torch::Tensor& srgb);

/// Reads a PNG (or JPEG) as display-referred float32 [3, H, W] in [0, 1]. Throws kBadInput.
torch::Tensor read_png(const std::filesystem::path& path);

/// A picture from elsewhere, with what has to be known of it.
struct Picture {
  torch::Tensor srgb;      ///< [3, H, W] float32 in [0, 1], laid on black where it had an alpha channel
  bool had_alpha = false;  ///< and was not opaque everywhere
};

/// Reads a PNG (8 or 16 bits a channel, grey or colour, with or without alpha) or a JPEG. Throws kBadInput.
Picture read_picture(const std::filesystem::path& path);

}  // namespace renderfm
