#include "renderfm/raster/rasterize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "raster/cpu/render_cpu.h"
#include "raster/reference.h"
#include "renderfm/core/check.h"
#include "renderfm/core/log.h"
#include "renderfm/gaussian/layout.h"
#include "renderfm/raster/camera_view.h"
#include "renderfm/tensor/check_tensor.h"

namespace renderfm::raster {
namespace {

// A workspace larger than this is given back after the call instead of being kept for the next.
constexpr std::int64_t kKeptWorkspaceBytes = std::int64_t{1} << 29;

void check_cameras(const std::vector<Camera>& cameras) {
  RFM_CHECK(!cameras.empty(), "rasterize was given no camera");
  for (std::size_t i = 0; i < cameras.size(); ++i) {
    const Camera& camera = cameras[i];
    RFM_CHECK(camera.width > 0 && camera.height > 0, "camera {} has a {}x{} image", i, camera.width,
              camera.height);
    RFM_CHECK(camera.width == cameras[0].width && camera.height == cameras[0].height,
              "camera {} is {}x{}, camera 0 is {}x{}: views of one call share one size", i, camera.width,
              camera.height, cameras[0].width, cameras[0].height);
    bool finite = std::isfinite(camera.cx) && std::isfinite(camera.cy);
    for (int row = 0; row < 3; ++row) {
      finite = finite && std::isfinite(camera.position_mm[row]);
      for (int column = 0; column < 3; ++column)
        finite = finite && std::isfinite(camera.rotation[row][column]);
    }
    RFM_CHECK(
        finite && camera.fx > 0 && camera.fy > 0 && std::isfinite(camera.fx) && std::isfinite(camera.fy),
        "camera {} is not usable: focal lengths must be positive and every number finite", i);
  }
}

void check_gaussians(const GaussianSet& g, torch::ScalarType type) {
  const std::int64_t n = g.size();
  check_tensor(g.position_mm, "position_mm", {n, 3}, type);
  check_tensor(g.sh, "sh", {n, layout::kShCount}, type);
  check_tensor(g.opacity, "opacity", {n}, type);
  check_tensor(g.direction_mean, "direction_mean", {n, 3}, type);
  check_tensor(g.chol, "chol", {n, layout::kCholCount}, type);
}

bool wants_gradients(const GaussianSet& g) {
  if (!torch::GradMode::is_enabled()) return false;
  for (const torch::Tensor* tensor : {&g.position_mm, &g.sh, &g.opacity, &g.direction_mean, &g.chol}) {
    if (tensor->requires_grad()) return true;
  }
  return false;
}

void warn_of_dropped(std::int64_t not_finite, std::int64_t total) {
  if (not_finite > 0) {
    log_warning("{} of {} Gaussians have NaN or infinite parameters and are not drawn", not_finite, total);
  }
}

RenderOutput rasterize_reference(const GaussianSet& gaussians, const std::vector<Camera>& cameras) {
  std::vector<torch::Tensor> rgb, alpha, depth;
  std::int64_t most_dropped = 0;
  for (const Camera& camera : cameras) {
    std::int64_t not_finite = 0;
    const RenderOutput view = render_reference(gaussians, camera, not_finite);
    most_dropped = std::max(most_dropped, not_finite);
    rgb.push_back(view.rgb);
    alpha.push_back(view.alpha);
    depth.push_back(view.depth);
  }
  warn_of_dropped(most_dropped, gaussians.size());
  return {torch::stack(rgb), torch::stack(alpha), torch::stack(depth)};
}

RenderOutput rasterize_cpu(const GaussianSet& gaussians, const std::vector<Camera>& cameras) {
  const auto host = [](const torch::Tensor& t) { return t.detach().to(torch::kCPU).contiguous(); };
  const torch::Tensor position = host(gaussians.position_mm), sh = host(gaussians.sh),
                      opacity = host(gaussians.opacity), direction_mean = host(gaussians.direction_mean),
                      chol = host(gaussians.chol);
  const GaussianPointers pointers{position.const_data_ptr<float>(),
                                  sh.const_data_ptr<float>(),
                                  opacity.const_data_ptr<float>(),
                                  direction_mean.const_data_ptr<float>(),
                                  chol.const_data_ptr<float>(),
                                  gaussians.size(),
                                  static_cast<float>(gaussians.lambda_opacity),
                                  gaussians.low_pass_compensation};
  const auto views = static_cast<std::int64_t>(cameras.size());
  const int width = cameras[0].width, height = cameras[0].height;
  const std::int64_t pixels = static_cast<std::int64_t>(width) * height;
  RenderOutput out{torch::empty({views, 3, height, width}), torch::empty({views, height, width}),
                   torch::empty({views, height, width})};

  // One picture after another of the same set is the usual case; its buffers are worth keeping.
  thread_local cpu::Workspace workspace;
  std::int64_t most_dropped = 0;
  for (std::int64_t v = 0; v < views; ++v) {
    float* const rgb = out.rgb.mutable_data_ptr<float>() + 3 * v * pixels;
    const ImagePointers image{rgb,
                              rgb + pixels,
                              rgb + 2 * pixels,
                              out.alpha.mutable_data_ptr<float>() + v * pixels,
                              out.depth.mutable_data_ptr<float>() + v * pixels,
                              width,
                              height};
    const cpu::RenderStats stats =
        cpu::render_view(pointers, make_view<float>(cameras[static_cast<std::size_t>(v)]), image, workspace);
    most_dropped = std::max(most_dropped, stats.not_finite);
  }
  if (workspace.bytes() > kKeptWorkspaceBytes) workspace = cpu::Workspace();
  warn_of_dropped(most_dropped, gaussians.size());
  const torch::Device device = gaussians.position_mm.device();
  return {out.rgb.to(device), out.alpha.to(device), out.depth.to(device)};
}

}  // namespace

RenderOutput rasterize(const GaussianSet& gaussians, const std::vector<Camera>& cameras,
                       const RasterOptions& options) {
  check_cameras(cameras);
  RFM_CHECK(gaussians.position_mm.defined(), "position_mm is undefined");
  const bool reference = options.backend == Backend::kReference ||
                         (options.backend == Backend::kAutomatic && wants_gradients(gaussians));
  if (reference) {
    check_gaussians(gaussians, gaussians.position_mm.scalar_type() == torch::kFloat64 ? torch::kFloat64
                                                                                      : torch::kFloat32);
    return rasterize_reference(gaussians, cameras);
  }
  check_gaussians(gaussians, torch::kFloat32);
  RFM_CHECK(!wants_gradients(gaussians),
            "the cpu backend draws without gradients: use the reference backend or torch::NoGradGuard");
  return rasterize_cpu(gaussians, cameras);
}

}  // namespace renderfm::raster
