#include "renderfm/raster/rasterize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "raster/autograd.h"
#include "raster/reference.h"
#include "renderfm/core/check.h"
#include "renderfm/core/log.h"
#include "renderfm/gaussian/layout.h"
#include "renderfm/tensor/check_tensor.h"

namespace renderfm::raster {
namespace {

constexpr int kMaxImageSide = 1 << 16;

void check_cameras(const std::vector<Camera>& cameras) {
  RFM_CHECK(!cameras.empty(), "rasterize was given no camera");
  for (std::size_t i = 0; i < cameras.size(); ++i) {
    const Camera& camera = cameras[i];
    RFM_CHECK(camera.width > 0 && camera.height > 0, "camera {} has a {}x{} image", i, camera.width,
              camera.height);
    RFM_CHECK(camera.width == cameras[0].width && camera.height == cameras[0].height,
              "camera {} is {}x{}, camera 0 is {}x{}: views of one call share one size", i, camera.width,
              camera.height, cameras[0].width, cameras[0].height);
    RFM_CHECK(camera.width <= kMaxImageSide && camera.height <= kMaxImageSide,
              "camera {} has a {}x{} image; a side may have {} pixels at most", i, camera.width,
              camera.height, kMaxImageSide);
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

void warn_of_dropped(std::int64_t not_finite, std::int64_t total) {
  if (not_finite > 0) {
    log_warning("{} of {} Gaussians have NaN or infinite parameters and are not drawn", not_finite, total);
  }
}

void check_poses(const CameraPoses& poses, std::int64_t views, const torch::Tensor& like) {
  if (!poses.defined()) return;
  RFM_CHECK(poses.rotation.defined(), "poses have a position_mm but no rotation");
  check_tensor(poses.position_mm, "poses.position_mm", {views, 3}, like.scalar_type());
  check_tensor(poses.rotation, "poses.rotation", {views, 3, 3}, like.scalar_type());
}

// The cameras with the poses' numbers in them.
std::vector<Camera> placed(std::vector<Camera> cameras, const CameraPoses& poses) {
  if (!poses.defined()) return cameras;
  const auto host = [](const torch::Tensor& t) {
    return t.detach().to(torch::kCPU, torch::kFloat64).contiguous();
  };
  const torch::Tensor position = host(poses.position_mm), rotation = host(poses.rotation);
  const double* from_position = position.const_data_ptr<double>();
  const double* from_rotation = rotation.const_data_ptr<double>();
  for (Camera& camera : cameras) {
    for (int row = 0; row < 3; ++row) camera.position_mm[row] = *from_position++;
    for (int row = 0; row < 3; ++row) {
      for (int column = 0; column < 3; ++column) camera.rotation[row][column] = *from_rotation++;
    }
  }
  return cameras;
}

// The region with normals of length 1.
ClipRegion checked_clip(const ClipRegion& clip, const GaussianSet& gaussians) {
  const auto count = static_cast<int>(clip.planes.size());
  RFM_CHECK(count <= kMaxClipPlanes, "{} planes cut this drawing; {} can", count, kMaxClipPlanes);
  ClipRegion out = clip;
  for (ClipPlane<double>& plane : out.planes) {
    const double length = norm(plane.normal);
    RFM_CHECK(std::isfinite(length) && length > 0 && std::isfinite(plane.offset_mm),
              "a plane that cuts has the normal {} {} {} and the offset {} mm", plane.normal.x,
              plane.normal.y, plane.normal.z, plane.offset_mm);
    plane = {plane.normal * (1 / length), plane.offset_mm / length};
  }
  if (count == 0) out.exempt = torch::Tensor();
  if (out.exempt.defined()) {
    check_tensor(out.exempt, "clip.exempt", {gaussians.size()}, torch::kBool);
    out.exempt = out.exempt.to(gaussians.opacity.scalar_type());
  }
  return out;
}

RenderOutput rasterize_reference(const GaussianSet& gaussians, const std::vector<Camera>& cameras,
                                 const CameraPoses& poses, const ClipRegion& clip, std::int64_t& not_finite) {
  std::vector<torch::Tensor> rgb, alpha, depth;
  for (std::size_t v = 0; v < cameras.size(); ++v) {
    const auto index = static_cast<std::int64_t>(v);
    const ReferencePose pose = poses.defined()
                                   ? ReferencePose{poses.position_mm[index], poses.rotation[index]}
                                   : reference_pose(cameras[v], gaussians.position_mm);
    std::int64_t dropped = 0;
    const RenderOutput view = render_reference(gaussians, cameras[v], pose, clip, dropped);
    not_finite = std::max(not_finite, dropped);
    rgb.push_back(view.rgb);
    alpha.push_back(view.alpha);
    depth.push_back(view.depth);
  }
  return {torch::stack(rgb), torch::stack(alpha), torch::stack(depth)};
}

// The only place that decides who draws.
Backend choose(Backend asked, const torch::Tensor& gaussians) {
  const bool on_gpu = gaussians.is_cuda();
  if (asked == Backend::kAutomatic) return on_gpu && has_cuda() ? Backend::kCuda : Backend::kCpu;
  RFM_CHECK(asked != Backend::kCuda || has_cuda(), "this build has no CUDA kernels: use the cpu backend");
  RFM_CHECK(asked != Backend::kCuda || on_gpu, "the cuda backend was asked for, but the Gaussians are on {}",
            gaussians.device().str());
  return asked;
}

}  // namespace

RenderOutput rasterize(const GaussianSet& gaussians, const std::vector<Camera>& cameras,
                       const RasterOptions& options, const CameraPoses& poses) {
  RFM_CHECK(gaussians.position_mm.defined(), "position_mm is undefined");
  const Backend backend = choose(options.backend, gaussians.position_mm);
  const bool as_double = gaussians.position_mm.scalar_type() == torch::kFloat64 && backend != Backend::kCuda;
  check_gaussians(gaussians, as_double ? torch::kFloat64 : torch::kFloat32);
  check_poses(poses, static_cast<std::int64_t>(cameras.size()), gaussians.position_mm);
  const std::vector<Camera> placed_cameras = placed(cameras, poses);
  check_cameras(placed_cameras);
  ClipRegion clip = checked_clip(options.clip, gaussians);

  std::int64_t not_finite = 0;
  RenderOutput out;
  if (backend == Backend::kReference) {
    out = rasterize_reference(gaussians, placed_cameras, poses, clip, not_finite);
  } else {
    const torch::Device device = gaussians.position_mm.device();
    const torch::Device drawn_on = backend == Backend::kCuda ? device : torch::Device(torch::kCPU);
    const auto there = [&](const torch::Tensor& t) { return t.to(drawn_on).contiguous(); };
    if (clip.exempt.defined()) clip.exempt = there(clip.exempt);
    const DrawInputs inputs{there(gaussians.position_mm), there(gaussians.sh),
                            there(gaussians.opacity),     there(gaussians.direction_mean),
                            there(gaussians.chol),        placed_cameras,
                            gaussians.lambda_opacity,     gaussians.low_pass_compensation,
                            options.memory_limit_bytes,   clip};
    const CameraPoses poses_there =
        poses.defined() ? CameraPoses{there(poses.position_mm), there(poses.rotation)} : poses;
    out = draw_differentiable(inputs, poses_there, backend, not_finite);
    if (drawn_on != device) out = {out.rgb.to(device), out.alpha.to(device), out.depth.to(device)};
  }
  warn_of_dropped(not_finite, gaussians.size());
  return out;
}

}  // namespace renderfm::raster
