// Gaussians and cameras that the rasterizer's tests share.
#pragma once

#include <torch/types.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "renderfm/core/cpu.h"
#include "renderfm/gaussian/gaussian_set.h"
#include "renderfm/gaussian/layout.h"
#include "renderfm/math/sh.h"
#include "renderfm/view/camera.h"

namespace renderfm::raster::test {

/// One Gaussian in words; A = a I. The defaults look the same from everywhere.
struct Blob {
  Vec3d position_mm{0, 0, 10};
  double scale_mm = 0.5;
  double opacity = 0.5;
  Vec3d colour{0.2, 0.5, 0.8};
  Vec3d direction_mean{0, 0, 0};
  double a = 1e4;
  Mat3d b{};
  std::array<double, 9> sh_linear{};
};

inline GaussianSet make_set(const std::vector<Blob>& blobs) {
  const auto n = static_cast<std::int64_t>(blobs.size());
  GaussianSet set;
  set.position_mm = torch::empty({n, 3});
  set.sh = torch::empty({n, 12});
  set.opacity = torch::empty({n});
  set.direction_mean = torch::empty({n, 3});
  set.chol = torch::zeros({n, 21});
  const auto put = [](torch::Tensor& tensor, std::int64_t row, std::int64_t column, double value) {
    tensor.mutable_data_ptr<float>()[row * (tensor.dim() == 2 ? tensor.size(1) : 1) + column] =
        static_cast<float>(value);
  };
  for (std::int64_t i = 0; i < n; ++i) {
    const Blob& blob = blobs[static_cast<std::size_t>(i)];
    put(set.opacity, i, 0, blob.opacity);
    for (int k = 0; k < 3; ++k) {
      put(set.position_mm, i, k, blob.position_mm[k]);
      put(set.direction_mean, i, k, blob.direction_mean[k]);
      put(set.sh, i, k, sh_dc_from_colour(blob.colour[k]));
      put(set.chol, i, layout::a_index(k, k), blob.a);
      put(set.chol, i, layout::c_index(k, k), blob.scale_mm);
      for (int j = 0; j < 3; ++j) put(set.chol, i, layout::b_index(k, j), blob.b[k][j]);
    }
    for (int k = 0; k < 9; ++k) put(set.sh, i, 3 + k, blob.sh_linear[static_cast<std::size_t>(k)]);
  }
  return set;
}

/// At the origin, looking along +z, axes of the world; focal length 100 px.
inline Camera plain_camera(int width = 33, int height = 33) {
  Camera camera;
  camera.width = width;
  camera.height = height;
  camera.fx = camera.fy = 100;
  camera.cx = 0.5 * width;
  camera.cy = 0.5 * height;
  return camera;
}

/// Tilted, stretched, direction-dependent Gaussians in a ball of 30 mm; every parameter matters.
inline GaussianSet random_set(std::int64_t n, std::uint64_t seed, double mean_scale_mm = 1.0) {
  torch::manual_seed(seed);
  GaussianSet set;
  const torch::Tensor direction = torch::randn({n, 3});
  set.position_mm = 30 * direction / direction.norm(2, {1}, true) * torch::rand({n, 1}).pow(1.0 / 3);
  set.sh = 0.8 * torch::randn({n, 12});
  set.opacity = 0.02 + 0.96 * torch::rand({n});
  set.direction_mean = 0.5 * torch::randn({n, 3});
  set.chol = torch::zeros({n, 21});
  for (int row = 0; row < 6; ++row) {
    for (int column = 0; column <= row; ++column) {
      const bool diagonal = row == column;
      torch::Tensor values;
      if (row < 3) {
        values = diagonal ? 1 + 3 * torch::rand({n}) : 0.5 * torch::randn({n});
      } else {
        values = mean_scale_mm * (diagonal ? 0.3 + torch::rand({n}) : 0.4 * torch::randn({n}));
      }
      set.chol.select(1, layout::chol_index(row, column)).copy_(values);
    }
  }
  return set;
}

inline GaussianSet to_double(const GaussianSet& set) {
  GaussianSet out = set;
  for (torch::Tensor* tensor : {&out.position_mm, &out.sh, &out.opacity, &out.direction_mean, &out.chol}) {
    *tensor = tensor->to(torch::kFloat64);
  }
  return out;
}

/// The levels that this processor has: the others cannot be tried on it.
inline std::vector<std::string> simd_levels() {
  std::vector<std::string> names;
  for (const SimdLevel level : {SimdLevel::kBaseline, SimdLevel::kAvx2, SimdLevel::kAvx512}) {
    if (level <= detect_simd_level()) names.emplace_back(simd_level_name(level));
  }
  return names;
}

/// Sets RENDERFM_SIMD for one scope.
class ForcedSimd {
 public:
  explicit ForcedSimd(const std::string& level) {
    const char* before = std::getenv("RENDERFM_SIMD");
    had_ = before != nullptr;
    if (had_) before_ = before;
    setenv("RENDERFM_SIMD", level.c_str(), 1);
  }
  ~ForcedSimd() {
    if (had_) {
      setenv("RENDERFM_SIMD", before_.c_str(), 1);
    } else {
      unsetenv("RENDERFM_SIMD");
    }
  }

 private:
  bool had_ = false;
  std::string before_;
};

}  // namespace renderfm::raster::test
