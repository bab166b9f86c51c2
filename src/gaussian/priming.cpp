#include "renderfm/gaussian/priming.h"

#include <cmath>
#include <numbers>

#include "renderfm/core/parallel.h"
#include "renderfm/gaussian/activate.h"
#include "renderfm/math/polylog.h"
#include "renderfm/math/sh.h"
#include "renderfm/tensor/check_tensor.h"

namespace renderfm {
namespace {

constexpr std::int64_t kGrain = 8192;

/// Optical depth that one Gaussian of the lattice carries over its footprint, per unit extinction, in mm.
double depth_per_extinction_mm(Vec3d spacing_xyz_mm) {
  const Vec3d s = spacing_xyz_mm * kPrimedSigmaVoxels;
  const double footprint_mm2 = (s.x * s.y + s.y * s.z + s.z * s.x) / 3;
  return spacing_xyz_mm.x * spacing_xyz_mm.y * spacing_xyz_mm.z / (2 * std::numbers::pi * footprint_mm2);
}

}  // namespace

double primed_opacity(double sigma_t_per_mm, Vec3d spacing_xyz_mm) {
  return opacity_for_optical_depth(sigma_t_per_mm * depth_per_extinction_mm(spacing_xyz_mm));
}

torch::Tensor prime(const Foreground& foreground) {
  torch::Tensor raw = torch::zeros({foreground.size(), layout::kChannels}, torch::kFloat32);
  float* const rows = raw.data_ptr<float>();
  const auto depth_per_extinction =
      static_cast<float>(depth_per_extinction_mm(foreground.grid.spacing_xyz_mm()));
  const float log_a = std::log(static_cast<float>(kPrimedDirectionScale));
  const float log_c = std::log(static_cast<float>(kPrimedSigmaVoxels));
  parallel_for(0, foreground.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      float* const row = rows + n * layout::kChannels;
      const float opacity = opacity_for_optical_depth(foreground.sigma_t_per_mm[n] * depth_per_extinction);
      row[layout::kOpacityLogit] = layout::logit(opacity);
      for (int channel = 0; channel < 3; ++channel) {
        row[layout::kSh + channel] = (foreground.lit_srgb[n][channel] - 0.5F) / static_cast<float>(kSh0);
        row[layout::kDirectionMean + channel] = foreground.inward_normal[n][channel];
        row[layout::kChol + layout::a_index(channel, channel)] = log_a;
        row[layout::kChol + layout::c_index(channel, channel)] = log_c;
      }
    }
  });
  return raw;
}

GaussianSet gaussians_from_raw(const torch::Tensor& raw, const Foreground& foreground) {
  check_tensor(raw, "raw", {foreground.size(), layout::kChannels});
  const torch::Tensor source = raw.to(torch::kCPU).contiguous();
  const std::int64_t count = foreground.size();
  GaussianSet set;
  set.position_mm = torch::empty({count, 3});
  set.sh = source.slice(1, layout::kSh, layout::kSh + layout::kShCount).contiguous();
  set.direction_mean = source.slice(1, layout::kDirectionMean, layout::kDirectionMean + 3).contiguous();
  set.opacity = torch::empty({count});
  set.chol = torch::empty({count, layout::kCholCount});
  set.label = torch::empty({count}, torch::kUInt8);
  set.label_names = foreground.label_names;

  const float* const rows = source.data_ptr<float>();
  float* const position = set.position_mm.data_ptr<float>();
  float* const opacity = set.opacity.data_ptr<float>();
  float* const chol = set.chol.data_ptr<float>();
  std::uint8_t* const label = set.label.data_ptr<std::uint8_t>();
  const Geometry& grid = foreground.grid;
  const Vec3d spacing = grid.spacing_xyz_mm();
  const Vec3f spacing_f{static_cast<float>(spacing.x), static_cast<float>(spacing.y),
                        static_cast<float>(spacing.z)};
  parallel_for(0, count, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      const layout::Shape<float> shape = layout::activate(rows + n * layout::kChannels, spacing_f);
      opacity[n] = shape.opacity;
      for (int entry = 0; entry < layout::kCholCount; ++entry) {
        chol[n * layout::kCholCount + entry] = shape.chol[entry];
      }
      const std::int64_t i = foreground.voxel[n] % grid.width(), line = foreground.voxel[n] / grid.width();
      const Vec3d centre =
          grid.world_from_index({static_cast<double>(i), static_cast<double>(line % grid.height()),
                                 static_cast<double>(line / grid.height())});
      for (int axis = 0; axis < 3; ++axis) position[n * 3 + axis] = static_cast<float>(centre[axis]);
      label[n] = foreground.label[n];
    }
  });
  return set;
}

}  // namespace renderfm
