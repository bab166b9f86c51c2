// Who draws the pictures of a case: the path tracer, or something cheap in tests.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "renderfm/medium/medium.h"
#include "renderfm/view/camera.h"

namespace renderfm::data {

/// Planes row by row, channel after channel.
struct ViewImages {
  std::vector<float> srgb;      ///< [3, H, W], display-referred on black
  std::vector<float> alpha;     ///< [H, W], share of the paths that met something, linear
  std::vector<float> depth_mm;  ///< [H, W], along the camera's axis, mean over those; 0 where there are none
};

class ViewRenderer {
 public:
  virtual ~ViewRenderer() = default;
  /// The same for every run and thread count.
  virtual ViewImages render(const Camera& camera, int samples, bool denoise) const = 0;
};

struct Renderer {
  /// For one medium; the seed is that of the noise.
  std::function<std::unique_ptr<ViewRenderer>(const Medium& medium, std::uint64_t seed)> make;
  std::string denoiser = "none";  ///< what `denoise` uses; "none": pictures are never denoised
  std::string device = "cpu";     ///< what makes the samples: "cpu" or "cuda"
};

}  // namespace renderfm::data
