// Gradients of the rasterizer as one list of columns, and what it takes for two of them to agree.
#pragma once

#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "renderfm/raster/rasterize.h"

namespace renderfm::raster::test {

inline constexpr int kGaussianColumns = 40;  // 3 position, 12 SH, 1 opacity, 3 direction mean, 21 Cholesky

/// A scene that can be differentiated: leaves for the Gaussians and the poses.
struct Problem {
  GaussianSet set;
  std::vector<Camera> cameras;
  CameraPoses poses;

  Problem(const GaussianSet& from, std::vector<Camera> of_cameras)
      : set(from), cameras(std::move(of_cameras)) {
    const auto n = static_cast<std::int64_t>(cameras.size());
    const auto options = torch::TensorOptions(torch::kFloat64);
    poses.position_mm = torch::empty({n, 3}, options);
    poses.rotation = torch::empty({n, 3, 3}, options);
    for (std::int64_t v = 0; v < n; ++v) {
      const Camera& camera = cameras[static_cast<std::size_t>(v)];
      for (int row = 0; row < 3; ++row) {
        poses.position_mm[v][row] = camera.position_mm[row];
        for (int column = 0; column < 3; ++column)
          poses.rotation[v][row][column] = camera.rotation[row][column];
      }
    }
    for (torch::Tensor* tensor : leaves()) {
      *tensor = tensor->detach().to(set.opacity.scalar_type()).clone().requires_grad_(true);
    }
  }
  std::vector<torch::Tensor*> leaves() {
    return {&set.position_mm,   &set.sh,        &set.opacity, &set.direction_mean, &set.chol,
            &poses.position_mm, &poses.rotation};
  }
};

/// A loss that weighs every pixel of every output differently; depth in units of 30 mm.
struct Loss {
  torch::Tensor rgb, alpha, depth;

  explicit Loss(const std::vector<Camera>& cameras, std::uint64_t seed = 3) {
    torch::manual_seed(seed);
    const auto v = static_cast<std::int64_t>(cameras.size());
    const auto options = torch::TensorOptions(torch::kFloat64);
    rgb = torch::randn({v, 3, cameras[0].height, cameras[0].width}, options);
    alpha = torch::randn({v, cameras[0].height, cameras[0].width}, options);
    depth = torch::randn({v, cameras[0].height, cameras[0].width}, options) / 30;
  }
  torch::Tensor operator()(const RenderOutput& out) const {
    const auto type = out.rgb.scalar_type();
    return (out.rgb * rgb.to(type)).sum() + (out.alpha * alpha.to(type)).sum() +
           (out.depth * depth.to(type)).sum();
  }
};

struct Gradients {
  torch::Tensor gaussians;  // [N, 40] float64
  torch::Tensor poses;      // [V, 12] float64
};

inline Gradients gradients_of(Problem& problem, const Loss& loss, Backend backend) {
  for (torch::Tensor* leaf : problem.leaves()) leaf->mutable_grad().reset();
  loss(rasterize(problem.set, problem.cameras, {backend}, problem.poses)).backward();
  std::vector<torch::Tensor> columns, poses;
  const std::int64_t n = problem.set.size();
  for (const torch::Tensor* leaf : problem.leaves()) {
    const bool pose = columns.size() == 5;
    const torch::Tensor grad = leaf->grad().defined() ? leaf->grad() : torch::zeros_like(*leaf);
    (pose ? poses : columns)
        .push_back(grad.detach().to(torch::kFloat64).reshape({pose ? grad.size(0) : n, -1}));
  }
  return {torch::cat(columns, 1), torch::cat(poses, 1)};
}

inline std::string column_name(int column) {
  if (column < 3) return "position " + std::to_string(column);
  if (column < 15) return "sh " + std::to_string(column - 3);
  if (column < 16) return "opacity";
  if (column < 19) return "direction_mean " + std::to_string(column - 16);
  return "chol " + std::to_string(column - 19);
}

/// How far `actual` [N, C] is from `expected`, column by column.
struct ColumnError {
  double relative_l2;   ///< |a - e| / |e|
  double far_fraction;  ///< of the rows that differ by more than `tight` of the column's largest
};
inline ColumnError column_error(const torch::Tensor& actual, const torch::Tensor& expected, double tight) {
  const torch::Tensor difference = (actual - expected).abs();
  const double scale = expected.abs().max().item<double>();
  const double norm = expected.norm().item<double>();
  return {difference.norm().item<double>() / norm,
          (~(difference <= tight * scale)).to(torch::kFloat64).mean().item<double>()};
}

/// Whether every column agrees: at most `far_fraction` of the rows beyond `tight` of the column's largest
/// entry, and |a - e| <= relative_l2 |e|. An empty string, or what is wrong. Columns must not be zero: zeros
/// agree with anything.
struct Agreement {
  double tight, relative_l2, far_fraction;
};
inline std::string disagreement(const torch::Tensor& actual, const torch::Tensor& expected,
                                const Agreement& allowed) {
  std::string wrong;
  for (std::int64_t column = 0; column < expected.size(1); ++column) {
    const torch::Tensor e = expected.select(1, column), a = actual.select(1, column);
    const std::string name = expected.size(1) == kGaussianColumns ? column_name(static_cast<int>(column))
                                                                  : "pose " + std::to_string(column);
    if (!(e.abs().max().item<double>() > 1e-9)) {
      wrong += name + " has no gradient; ";
      continue;
    }
    const ColumnError error = column_error(a, e, allowed.tight);
    if (!(error.relative_l2 <= allowed.relative_l2) || !(error.far_fraction <= allowed.far_fraction)) {
      wrong += name + ": relative L2 " + std::to_string(error.relative_l2) + ", " +
               std::to_string(100 * error.far_fraction) + " % of rows far off; ";
    }
  }
  return wrong;
}

}  // namespace renderfm::raster::test
