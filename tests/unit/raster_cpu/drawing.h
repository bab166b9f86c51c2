// One call of the CPU backend with all that it needs, in plain vectors.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "raster/cpu/render_cpu.h"
#include "renderfm/raster/camera_view.h"
#include "support/plain_gaussians.h"

namespace renderfm::raster::cpu::test {

inline Camera camera_at(Vec3d position_mm, int width, int height, double focal_px = 100) {
  Camera camera;
  camera.position_mm = position_mm;  // looks along +z
  camera.width = width;
  camera.height = height;
  camera.fx = camera.fy = focal_px;
  camera.cx = 0.5 * width;
  camera.cy = 0.5 * height;
  return camera;
}

/// Images of `views` and, after undo(), the gradients of a loss that weighs every pixel differently.
struct Drawing {
  std::vector<View<float>> views;
  std::vector<std::vector<float>> planes;  // rgb, alpha, depth of each view
  Workspace<float> workspace;
  Recording<float> recording;
  RenderStats stats;
  std::vector<float> v_position, v_sh, v_opacity, v_direction_mean, v_chol;
  std::vector<PoseGradient<float>> v_poses;
  BackwardStats backward_stats;
  int width, height;

  explicit Drawing(const std::vector<Camera>& cameras) : width(cameras[0].width), height(cameras[0].height) {
    for (const Camera& camera : cameras) {
      views.push_back(make_view<float>(camera));
      planes.emplace_back(5 * pixels());
    }
  }
  std::size_t pixels() const { return static_cast<std::size_t>(width) * static_cast<std::size_t>(height); }

  void draw(const GaussianPointers<float>& gaussians, bool for_backward,
            const RenderSettings& settings = {}) {
    std::vector<ImagePointers<float>> images;
    for (std::vector<float>& p : planes) {
      float* const at = p.data();
      images.push_back(
          {at, at + pixels(), at + 2 * pixels(), at + 3 * pixels(), at + 4 * pixels(), width, height});
    }
    stats = render_views(gaussians, views, images, workspace, for_backward ? &recording : nullptr, settings);
  }
  void undo(const GaussianPointers<float>& gaussians) {
    std::vector<float> weights(5 * pixels());
    Pcg32 random = Pcg32::from(11, 0);
    for (float& w : weights) w = random.uniform(-1.0f, 1.0f);
    const float* const at = weights.data();
    const std::vector<ImageGradientPointers<float>> v_images(
        views.size(),
        {at, at + pixels(), at + 2 * pixels(), at + 3 * pixels(), at + 4 * pixels(), width, height});
    const auto n = static_cast<std::size_t>(gaussians.count);
    v_position.assign(3 * n, 0);
    v_sh.assign(12 * n, 0);
    v_opacity.assign(n, 0);
    v_direction_mean.assign(3 * n, 0);
    v_chol.assign(21 * n, 0);
    backward_stats = backward_views(
        gaussians, views, recording, v_images,
        {v_position.data(), v_sh.data(), v_opacity.data(), v_direction_mean.data(), v_chol.data()}, v_poses,
        workspace);
  }
  bool finite() const {
    for (const auto& p : planes) {
      for (const float value : p) {
        if (!std::isfinite(value)) return false;
      }
    }
    for (const auto* v : {&v_position, &v_sh, &v_opacity, &v_direction_mean, &v_chol}) {
      for (const float value : *v) {
        if (!std::isfinite(value)) return false;
      }
    }
    return true;
  }
  double mean_alpha() const {
    double sum = 0;
    for (const auto& p : planes) {
      for (std::size_t i = 3 * pixels(); i < 4 * pixels(); ++i) sum += static_cast<double>(p[i]);
    }
    return sum / static_cast<double>(pixels() * planes.size());
  }
};

}  // namespace renderfm::raster::cpu::test
