// What the rasterizer is timed on: a ball of Gaussians that other CPU rasterizers were measured on.
#pragma once

#include <functional>
#include <vector>

#include "renderfm/view/camera.h"
#include "support/plain_gaussians.h"

namespace renderfm::bench {

struct Scene {
  test::PlainGaussians<float> gaussians;
  std::function<Camera(double azimuth_deg, int size)> camera;

  /// `count` of them, evenly around the scene.
  std::vector<Camera> cameras(int count, int size) const;
};

/// 100 000 Gaussians uniform in a ball of radius 0.5, all of scale 0.008 and opacity 0.3, 2.0 in front of a
/// camera whose focal length is 1.4 times the picture's width.
Scene ball_100k();

}  // namespace renderfm::bench
