#include "volume/phantom/scan_noise.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "renderfm/math/rng.h"

namespace renderfm::phantom {
namespace {

constexpr std::int64_t kReach = 4;  // of the filters, in voxels
constexpr float kLowCut = 0.85f;    // share of the slow part taken away: the ramp filter's zero
constexpr float kNeighbourSlice = 0.4f;

std::vector<float> gaussian(double sigma_voxels) {
  std::vector<float> weights;
  double total = 0;
  for (std::int64_t d = 0; d <= kReach; ++d) {
    const double x = static_cast<double>(d) / sigma_voxels;
    weights.push_back(static_cast<float>(std::exp(-0.5 * x * x)));
    total += (d == 0 ? 1 : 2) * static_cast<double>(weights.back());
  }
  for (float& w : weights) w = static_cast<float>(static_cast<double>(w) / total);
  return weights;
}

double product_sum(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t d = 0; d < a.size(); ++d) {
    sum += (d == 0 ? 1 : 2) * static_cast<double>(a[d]) * static_cast<double>(b[d]);
  }
  return sum;
}

}  // namespace

KernelFacts kernel_facts(ReconstructionKernel kernel) {
  switch (kernel) {
    case ReconstructionKernel::kSoft: return {0.95f, 0.7f, 0.0f, 1.3f};
    case ReconstructionKernel::kSharp: return {0.35f, 1.8f, 0.4f, 0.4f};
    case ReconstructionKernel::kStandard: break;
  }
  return {0.65f, 1.0f, 0.1f, 0.7f};
}

ScanNoise::ScanNoise(std::uint64_t seed, ReconstructionKernel kernel, double spacing_mm, std::int64_t height,
                     std::int64_t width)
    : seed_(seed), height_(height), width_(width) {
  // A voxel averages what is finer than itself, so that no kernel is sharper than about 0.3 voxels.
  const double sigma = std::max(static_cast<double>(kernel_facts(kernel).blur_mm) / spacing_mm, 0.28);
  narrow_ = gaussian(sigma);
  wide_ = gaussian(2.4 * sigma);
  const double nn = product_sum(narrow_, narrow_), nw = product_sum(narrow_, wide_),
               ww = product_sum(wide_, wide_), cut = static_cast<double>(kLowCut);
  const double plane_variance = nn * nn - 2 * cut * nw * nw + cut * cut * ww * ww;
  const double stack_variance = 1 + static_cast<double>(kNeighbourSlice * kNeighbourSlice);
  gain_ = static_cast<float>(1 / std::sqrt(plane_variance * stack_variance));
  const auto count = static_cast<std::size_t>(height * width);
  here_.resize(count), above_.resize(count), sum_.resize(count);
}

void ScanNoise::plane(std::int64_t k, std::vector<float>& out) {
  const std::int64_t padded_width = width_ + 2 * kReach, padded_height = height_ + 2 * kReach;
  raw_.resize(static_cast<std::size_t>(padded_width * padded_height));
  for (std::size_t n = 0; n < raw_.size(); ++n) {
    raw_[n] = hash_normal(hash64(seed_, 0xCA7, static_cast<std::uint64_t>(k), n));
  }
  rows_narrow_.resize(static_cast<std::size_t>(width_ * padded_height));
  rows_wide_.resize(rows_narrow_.size());
  for (std::int64_t j = 0; j < padded_height; ++j) {
    for (std::int64_t i = 0; i < width_; ++i) {
      const float* p = &raw_[static_cast<std::size_t>(j * padded_width + i + kReach)];
      float narrow = narrow_[0] * p[0], wide = wide_[0] * p[0];
      for (std::int64_t d = 1; d <= kReach; ++d) {
        const float pair = p[-d] + p[d];
        narrow += narrow_[static_cast<std::size_t>(d)] * pair;
        wide += wide_[static_cast<std::size_t>(d)] * pair;
      }
      rows_narrow_[static_cast<std::size_t>(j * width_ + i)] = narrow;
      rows_wide_[static_cast<std::size_t>(j * width_ + i)] = wide;
    }
  }
  for (std::int64_t j = 0; j < height_; ++j) {
    for (std::int64_t i = 0; i < width_; ++i) {
      const auto at = static_cast<std::size_t>((j + kReach) * width_ + i);
      float narrow = narrow_[0] * rows_narrow_[at], wide = wide_[0] * rows_wide_[at];
      for (std::int64_t d = 1; d <= kReach; ++d) {
        const auto step = static_cast<std::size_t>(d * width_);
        narrow += narrow_[static_cast<std::size_t>(d)] * (rows_narrow_[at - step] + rows_narrow_[at + step]);
        wide += wide_[static_cast<std::size_t>(d)] * (rows_wide_[at - step] + rows_wide_[at + step]);
      }
      out[static_cast<std::size_t>(j * width_ + i)] = narrow - kLowCut * wide;
    }
  }
}

const std::vector<float>& ScanNoise::slice(std::int64_t k) {
  if (k == at_ + 1) {
    std::swap(here_, above_);
  } else {
    plane(k, here_);
  }
  plane(k + 1, above_);
  at_ = k;
  for (std::size_t n = 0; n < sum_.size(); ++n) sum_[n] = gain_ * (here_[n] + kNeighbourSlice * above_[n]);
  return sum_;
}

}  // namespace renderfm::phantom
