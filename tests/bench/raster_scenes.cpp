#include "bench/raster_scenes.h"

#include <cmath>
#include <cstdint>
#include <numbers>

#include "renderfm/math/rng.h"

namespace renderfm::bench {

std::vector<Camera> Scene::cameras(int count, int size) const {
  std::vector<Camera> views;
  for (int v = 0; v < count; ++v) views.push_back(camera(360.0 * v / count, size));
  return views;
}

Scene ball_100k() {
  constexpr int kCount = 100'000;
  constexpr float kRadius = 0.5f, kScale = 0.008f, kOpacity = 0.3f;
  Scene scene;
  // A plain 3DGS scene, whose opacity the low-pass filter leaves alone.
  scene.gaussians.low_pass_compensation = false;
  Pcg32 random = Pcg32::from(7, 0);
  const auto about_zero = [&](float spread) { return random.uniform(-spread, spread); };
  while (scene.gaussians.count() < kCount) {
    const float x = about_zero(1), y = about_zero(1), z = about_zero(1);
    if (x * x + y * y + z * z > 1) continue;
    const std::size_t i = scene.gaussians.add(Vec3f{kRadius * x, kRadius * y, kRadius * z}, kScale, kOpacity);
    for (std::size_t k = 0; k < layout::kShCount; ++k) {
      scene.gaussians.sh[i * layout::kShCount + k] = about_zero(k < 3 ? 1.0f : 0.1f);
    }
  }
  scene.camera = [](double azimuth_deg, int size) {
    const double turn = azimuth_deg * std::numbers::pi / 180, s = std::sin(turn), c = std::cos(turn);
    Camera camera;
    camera.width = camera.height = size;
    camera.fx = camera.fy = 1.4 * size;
    camera.cx = camera.cy = 0.5 * size;
    camera.rotation = {{{c, 0, s}, {0, 1, 0}, {-s, 0, c}}};
    camera.position_mm = {2 * s, 0, -2 * c};
    return camera;
  };
  return scene;
}

}  // namespace renderfm::bench
