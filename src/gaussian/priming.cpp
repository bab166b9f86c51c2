#include "renderfm/gaussian/priming.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/gaussian/activate.h"
#include "renderfm/math/polylog.h"
#include "renderfm/math/sh.h"
#include "renderfm/tensor/check_tensor.h"

namespace renderfm {
namespace {

constexpr std::int64_t kGrain = 8192;
constexpr float kMaxTissueOpacity = 0.99F;

/// Optical depth that one Gaussian of the lattice carries over its footprint, per unit extinction, in mm.
double depth_per_extinction_mm(Vec3d spacing_xyz_mm) {
  const Vec3d s = spacing_xyz_mm * kPrimedSigmaVoxels;
  const double footprint_mm2 = (s.x * s.y + s.y * s.z + s.z * s.x) / 3;
  return spacing_xyz_mm.x * spacing_xyz_mm.y * spacing_xyz_mm.z / (2 * std::numbers::pi * footprint_mm2);
}

float calibrated(float srgb) {
  constexpr int kSpans = static_cast<int>(kPrimedColourCurve.size()) - 1;
  const float at = std::clamp(srgb, 0.0F, 1.0F) * kSpans;
  const int span = std::min(static_cast<int>(at), kSpans - 1);
  return std::lerp(kPrimedColourCurve[span], kPrimedColourCurve[span + 1], at - static_cast<float>(span));
}

}  // namespace

double primed_opacity(double sigma_t_per_mm, Vec3d spacing_xyz_mm) {
  return opacity_for_optical_depth(sigma_t_per_mm * depth_per_extinction_mm(spacing_xyz_mm));
}

torch::Tensor prime(const Foreground& foreground) { return start_channels(foreground, Start::kPrimed); }

Start start_from(const std::string& name, const std::string& where) {
  for (const Start start : {Start::kPrimed, Start::kUncalibrated, Start::kTissue, Start::kConstant}) {
    if (name == name_of(start)) return start;
  }
  fail_input("{} is '{}'; choose primed, uncalibrated, tissue or constant", where, name);
}

std::string name_of(Start start) {
  switch (start) {
    case Start::kPrimed: return "primed";
    case Start::kUncalibrated: return "uncalibrated";
    case Start::kTissue: return "tissue";
    case Start::kConstant: break;
  }
  return "constant";
}

torch::Tensor start_channels(const Foreground& foreground, Start start) {
  torch::Tensor raw = torch::zeros({foreground.size(), layout::kChannels}, torch::kFloat32);
  float* const rows = raw.data_ptr<float>();
  const Vec3d spacing = foreground.grid.spacing_xyz_mm();
  const auto depth_per_extinction = static_cast<float>(depth_per_extinction_mm(spacing));
  const auto thickness_mm = static_cast<float>(std::cbrt(spacing.x * spacing.y * spacing.z));
  const float log_a = std::log(static_cast<float>(kPrimedDirectionScale));
  const float log_c = std::log(static_cast<float>(kPrimedSigmaVoxels));
  const auto depth_gain = static_cast<float>(start == Start::kPrimed ? kPrimedDepthGain : 1);
  const auto colour = [](float srgb) { return (srgb - 0.5F) / static_cast<float>(kSh0); };
  parallel_for(0, foreground.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      float* const row = rows + n * layout::kChannels;
      for (int channel = 0; channel < 3; ++channel) {
        row[layout::kChol + layout::a_index(channel, channel)] = log_a;
        row[layout::kChol + layout::c_index(channel, channel)] = log_c;
      }
      if (start == Start::kConstant) continue;  // a logit of 0 is one half, as SH of 0 is grey
      const float sigma_t = foreground.sigma_t_per_mm[n];
      const bool primed = start != Start::kTissue;
      row[layout::kOpacityLogit] =
          layout::logit(primed ? opacity_for_optical_depth(sigma_t * depth_per_extinction * depth_gain)
                               : std::min(-std::expm1(-sigma_t * thickness_mm), kMaxTissueOpacity));
      for (int channel = 0; channel < 3; ++channel) {
        const float srgb = primed ? foreground.lit_srgb[n][channel] : foreground.srgb[n][channel];
        row[layout::kSh + channel] = colour(start == Start::kPrimed ? calibrated(srgb) : srgb);
        if (primed) row[layout::kDirectionMean + channel] = foreground.inward_normal[n][channel];
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
