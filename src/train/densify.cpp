#include "renderfm/train/densify.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "renderfm/core/parallel.h"
#include "renderfm/math/rng.h"
#include "renderfm/math/vec.h"

namespace renderfm {
namespace {

constexpr std::int64_t kGrain = 4096;
constexpr float kSplitShrink = 1.6F;  // a half is this much smaller (3DGS)

/// Largest standard deviation along a world axis, mm; the longest semi-axis that 3DGS compares is that or up
/// to sqrt(3) times more.
float largest_deviation(const float* chol) {
  float longest = 0;
  for (int r = 0; r < 3; ++r) {
    float squared = 0;
    for (int c = 0; c <= r; ++c) squared += chol[layout::c_index(r, c)] * chol[layout::c_index(r, c)];
    longest = std::max(longest, squared);
  }
  return std::sqrt(longest);
}

}  // namespace

DensifyOptions scaled_to(DensifyOptions options, int steps) {
  const double share = static_cast<double>(steps) / kDensitySteps;
  const auto scale = [&](int value) { return static_cast<int>(std::lround(value * share)); };
  options.first_step = scale(options.first_step);
  options.last_step = scale(options.last_step);
  options.every = std::max(1, scale(options.every));
  options.lower_opacity_every = scale(options.lower_opacity_every);
  return options;
}

DensityControl::DensityControl(const DensifyOptions& options, std::uint64_t seed)
    : options_(options), seed_(seed) {}

void DensityControl::observe(const GaussianSet& gaussians, const Camera& camera) {
  if (!sums_.defined()) sums_ = torch::zeros({gaussians.size(), 2});
  const torch::Tensor v_position = gaussians.position_mm.grad();
  if (!v_position.defined()) return;
  const float* const position = gaussians.position_mm.const_data_ptr<float>();
  const float* const gradient = v_position.const_data_ptr<float>();
  float* const sums = sums_.data_ptr<float>();
  parallel_for(0, gaussians.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      const Vec3d v{gradient[3 * n], gradient[3 * n + 1], gradient[3 * n + 2]};
      if (v.x == 0 && v.y == 0 && v.z == 0) continue;
      const Vec3d p{position[3 * n], position[3 * n + 1], position[3 * n + 2]};
      // dL/d pixel = z / f dL/d lateral mm; half the width of an image is 1.
      const Vec3d lateral = camera.rotation * v;
      const double z = camera.camera_from_world(p).z;
      const double x = lateral.x * z / camera.fx * 0.5 * camera.width;
      const double y = lateral.y * z / camera.fy * 0.5 * camera.height;
      sums[2 * n] += static_cast<float>(std::sqrt(x * x + y * y));
      sums[2 * n + 1] += 1;
    }
  });
}

DensifyCounts DensityControl::densify(GaussianOptimizer& optimizer, int step) {
  DensifyCounts counts;
  if (step > options_.last_step) return counts;
  if (step >= options_.first_step && step % options_.every == 0 && sums_.defined()) {
    const GaussianSet set = optimizer.snapshot();
    const std::int64_t count = set.size();
    const float* const sums = sums_.const_data_ptr<float>();
    const float* const opacity = set.opacity.const_data_ptr<float>();
    const float* const chol = set.chol.const_data_ptr<float>();
    const auto size_of = [&](std::int64_t n) { return largest_deviation(chol + layout::kCholCount * n); };
    const auto extent = static_cast<float>(optimizer.extent_mm());
    const bool overgrown_go = options_.lower_opacity_every > 0 && step > options_.lower_opacity_every;

    std::vector<std::int64_t> kept, pulled;
    for (std::int64_t n = 0; n < count; ++n) {
      if (opacity[n] < static_cast<float>(options_.least_opacity) ||
          (overgrown_go && size_of(n) > static_cast<float>(options_.largest) * extent)) {
        ++counts.pruned;
        continue;
      }
      kept.push_back(n);
      if (sums[2 * n + 1] > 0 && sums[2 * n] / sums[2 * n + 1] >= static_cast<float>(options_.gradient))
        pulled.push_back(n);
    }
    const auto room = static_cast<std::size_t>(
        std::max<std::int64_t>(0, options_.max_gaussians - static_cast<std::int64_t>(kept.size())));
    if (pulled.size() > room) {
      std::stable_sort(pulled.begin(), pulled.end(), [&](std::int64_t a, std::int64_t b) {
        return sums[2 * a] * sums[2 * b + 1] > sums[2 * b] * sums[2 * a + 1];
      });
      pulled.resize(room);
      std::sort(pulled.begin(), pulled.end());
    }

    // A clone keeps its parent, a split replaces it by two halves drawn from it.
    std::vector<std::int64_t> parents;
    std::vector<std::uint8_t> is_split, gone(static_cast<std::size_t>(count), 0);
    for (const std::int64_t n : pulled) {
      const bool split = size_of(n) > static_cast<float>(options_.largest_clone) * extent;
      (split ? counts.split : counts.cloned) += 1;
      for (int child = 0; child < (split ? 2 : 1); ++child) {
        parents.push_back(n);
        is_split.push_back(split ? 1 : 0);
      }
      if (split) gone[static_cast<std::size_t>(n)] = 1;
    }
    std::erase_if(kept, [&](std::int64_t n) { return gone[static_cast<std::size_t>(n)] != 0; });

    const auto indices = [](const std::vector<std::int64_t>& values) {
      return torch::tensor(torch::ArrayRef<std::int64_t>(values), torch::kInt64);
    };
    GaussianSet born = set.select(indices(parents));
    float* const born_position = born.position_mm.data_ptr<float>();
    float* const born_chol = born.chol.data_ptr<float>();
    for (std::size_t i = 0; i < parents.size(); ++i) {
      if (is_split[i] == 0) continue;
      float* const c = born_chol + layout::kCholCount * i;
      Vec3f normal{};
      for (int axis = 0; axis < 3; ++axis) {
        normal[axis] =
            hash_normal(hash64(seed_, static_cast<std::uint64_t>(step), i, static_cast<std::uint64_t>(axis)));
      }
      for (int row = 0; row < 3; ++row) {
        for (int column = 0; column <= row; ++column) {
          born_position[3 * i + row] += c[layout::c_index(row, column)] * normal[column];
        }
      }
      for (int row = 0; row < 3; ++row) {
        for (int column = 0; column <= row; ++column) c[layout::c_index(row, column)] /= kSplitShrink;
      }
    }
    if (!parents.empty() || counts.pruned > 0) optimizer.replace(indices(kept), born);
    sums_ = torch::zeros({optimizer.size(), 2});
  }
  if (options_.lower_opacity_every > 0 && step % options_.lower_opacity_every == 0) {
    optimizer.cap_opacity(options_.lowered_opacity);
  }
  return counts;
}

}  // namespace renderfm
