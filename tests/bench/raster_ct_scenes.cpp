#include "bench/raster_ct_scenes.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "renderfm/core/check.h"
#include "renderfm/gaussian/foreground.h"
#include "renderfm/math/rng.h"
#include "renderfm/math/rotation.h"
#include "renderfm/model/predictor.h"
#include "renderfm/volume/image_io.h"
#include "renderfm/volume/phantom.h"
#include "renderfm/volume/resample.h"
#include "renderfm/volume/scene.h"

namespace renderfm::bench {
namespace {

float opacity_of(int hu, const VoxelChoice& choice) {
  float opacity = 0;
  for (const Threshold& threshold : choice.thresholds) {
    if (hu > threshold.above_hu) opacity = threshold.opacity;
  }
  return opacity;
}

/// C of C C^T = R diag(sigma^2) R^T for a random R and random sigmas.
Mat3d random_shape(Pcg32& random, double voxel_mm) {
  Quaternion wxyz;
  for (double& q : wxyz) q = random.normal<double>();
  const Mat3d rotation = rotation_from_quaternion(wxyz);
  Mat3d covariance{};
  for (int axis = 0; axis < 3; ++axis) {
    const double sigma = voxel_mm * random.uniform(0.5, 1.0);
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j) covariance[i][j] += rotation[i][axis] * rotation[j][axis] * sigma * sigma;
    }
  }
  Mat3d lower{};
  RFM_CHECK(cholesky(covariance, lower), "a covariance is not positive definite");
  return lower;
}

}  // namespace

std::vector<VoxelChoice> voxel_choices() {
  return {{"body", {{-300, 0.9f}}},
          {"bone", {{200, 0.9f}}},
          {"trans", {{-300, 0.03f}, {130, 0.15f}, {200, 0.9f}}}};
}

Scene voxel_scene(const CtVolume& ct, const VoxelChoice& choice) {
  const Geometry& grid = ct.geometry;
  const double voxel_mm = grid.max_spacing_mm();
  std::vector<std::int64_t> drawn;
  for (std::int64_t voxel = 0; voxel < grid.voxel_count(); ++voxel) {
    if (opacity_of(ct.voxels[static_cast<std::size_t>(voxel)], choice) > 0) drawn.push_back(voxel);
  }
  Scene scene;
  test::PlainGaussians<float>& set = scene.gaussians;
  for (const std::int64_t voxel : drawn) {
    const int hu = ct.voxels[static_cast<std::size_t>(voxel)];
    Pcg32 random = Pcg32::from(3, static_cast<std::uint64_t>(voxel));
    const auto jitter = [&] { return random.uniform(-0.2, 0.2); };
    Vec3d at{static_cast<double>(voxel % grid.width()),
             static_cast<double>(voxel / grid.width() % grid.height()),
             static_cast<double>(voxel / (grid.width() * grid.height()))};
    for (int axis = 0; axis < 3; ++axis) at[axis] += jitter();
    const Vec3d mm = grid.world_from_index(at);
    const std::size_t i =
        set.add(Vec3f{static_cast<float>(mm.x), static_cast<float>(mm.y), static_cast<float>(mm.z)}, 1.0f,
                opacity_of(hu, choice));
    const Mat3d shape = random_shape(random, voxel_mm);
    for (int row = 0; row < 3; ++row) {
      for (int column = 0; column <= row; ++column) {
        set.entry(i, layout::c_index(row, column)) = static_cast<float>(shape[row][column]);
      }
    }
    const float bright = std::clamp(static_cast<float>(hu + 300) / 1000.0f, 0.0f, 1.0f);
    set.paint(i, 0.4f + 0.6f * bright, 0.2f + 0.7f * bright, 0.1f + 0.8f * bright);
  }
  scene.camera = [sphere = view_sphere_of(grid, drawn)](double azimuth_deg, int size) {
    // Off the lattice's axes.
    return orbit_camera(sphere, azimuth_deg + 20, 15, size, size);
  };
  return scene;
}

CtVolume phantom_ct() {
  PhantomOptions options;
  options.spacing_mm = kPhantomSpacing_mm;
  return make_phantom(options).ct;
}

CtVolume scan_ct(const std::filesystem::path& path) {
  ScanReport report;
  const CtVolume scan = read_ct(path, {}, report);
  return resample_ct(scan, network_grid(scan.geometry, {TargetSpacing::Kind::kMillimetres, kScanSpacing_mm}));
}

Scene primed_scene(const std::filesystem::path& path) {
  SceneOptions options;
  options.ct = path;
  const renderfm::Scene scan = load_scene(options);
  const GaussianSet set = predict(scan, fitting_transfer_function(scan), {}, nullptr).gaussians;
  const auto plain = [](const torch::Tensor& t) {
    const torch::Tensor dense = t.contiguous();
    return std::vector<float>(dense.const_data_ptr<float>(), dense.const_data_ptr<float>() + dense.numel());
  };
  Scene scene;
  scene.gaussians = {plain(set.position_mm),    plain(set.sh),   plain(set.opacity),
                     plain(set.direction_mean), plain(set.chol), static_cast<float>(set.lambda_opacity),
                     set.low_pass_compensation};
  scene.camera = [sphere = *set.view_sphere](double azimuth_deg, int size) {
    return orbit_camera(sphere, azimuth_deg, 0, size, size);
  };
  return scene;
}

}  // namespace renderfm::bench
