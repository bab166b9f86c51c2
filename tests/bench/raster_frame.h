// A picture through the public interface, tensors and all, as the programs draw it.
#pragma once

#include <functional>
#include <vector>

#include "bench/raster_scenes.h"

namespace renderfm::bench {

/// What it returns draws the scene anew at every call. The scene's Gaussians are copied.
std::function<void()> frame(const Scene& scene, const std::vector<Camera>& cameras);

}  // namespace renderfm::bench
