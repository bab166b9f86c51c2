// Removing the noise of path tracing from linear light, by Open Image Denoise where that is installed.
#pragma once

#include <torch/types.h>

#include <string>

namespace renderfm {

struct DenoiserStatus {
  bool available = false;
  std::string version;  ///< "2.5.1"; "" where there is none
  std::string library;  ///< the file that was loaded
  std::string reason;   ///< one sentence: why there is none and how to get it; "" where there is one
};

/// Looks for libOpenImageDenoise.so.2, version 2.0 or later, at run time: in what RENDERFM_OIDN names (the
/// library or its folder; nowhere else then), in the wheel `pyoidn` beside LibTorch, then where the system
/// loader looks.
DenoiserStatus denoiser_status();

/// The first surface that a camera path met, averaged over the same samples as the picture; they tell an edge
/// from noise. Either may be undefined, the normal only with the albedo.
struct DenoiseFeatures {
  torch::Tensor albedo;  ///< [3, H, W] in [0, 1]
  torch::Tensor
      normal;  ///< [3, H, W] in [-1, 1], any frame that all pixels share; zero where nothing was met
};

/// rgb_linear [3, H, W] float32, linear light of any brightness -> the same shape without noise, never
/// negative. The same bits for any number of threads. Throws kRuntime with denoiser_status().reason, or with
/// the library's own words.
torch::Tensor denoise(const torch::Tensor& rgb_linear, const DenoiseFeatures& features = {});

}  // namespace renderfm
