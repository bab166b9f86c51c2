#include "opacity_blur.h"

#include <algorithm>
#include <cmath>

#include "renderfm/core/parallel.h"

namespace renderfm {
namespace {

constexpr double kSigmaVoxels = 0.8;
constexpr int kRadius = 3;  // the fourth tap would be 4e-6

struct Taps {
  float weight[kRadius + 1];
  Taps() {
    double sum = 0, value[kRadius + 1];
    for (int t = 0; t <= kRadius; ++t) {
      value[t] = std::exp(-0.5 * t * t / (kSigmaVoxels * kSigmaVoxels));
      sum += t == 0 ? value[t] : 2 * value[t];
    }
    for (int t = 0; t <= kRadius; ++t) weight[t] = static_cast<float>(value[t] / sum);
  }
};

// out[i] = sum of weight[|t|] * rows[t][i]; rows are the seven around the output row.
void blend_rows(const float* const rows[2 * kRadius + 1], const Taps& taps, std::int64_t width, float* out) {
  const float *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3], *e = rows[4], *f = rows[5],
              *g = rows[6];
  const float w0 = taps.weight[0], w1 = taps.weight[1], w2 = taps.weight[2], w3 = taps.weight[3];
  for (std::int64_t i = 0; i < width; ++i) {
    out[i] = w0 * d[i] + w1 * (c[i] + e[i]) + w2 * (b[i] + f[i]) + w3 * (a[i] + g[i]);
  }
}

void blur_along_x(float* row, std::int64_t width, const Taps& taps, std::vector<float>& padded) {
  padded.resize(static_cast<std::size_t>(width) + 2 * kRadius);
  std::fill_n(padded.begin(), kRadius, row[0]);
  std::copy_n(row, width, padded.begin() + kRadius);
  std::fill_n(padded.end() - kRadius, kRadius, row[width - 1]);
  const float* rows[2 * kRadius + 1];
  for (int t = 0; t <= 2 * kRadius; ++t) rows[t] = padded.data() + t;
  blend_rows(rows, taps, width, row);
}

// Blurs `count` rows that lie `stride` apart, across the rows. `copy` has room for them.
void blur_across_rows(float* first, std::int64_t count, std::int64_t stride, std::int64_t width,
                      const Taps& taps, std::vector<float>& copy) {
  copy.resize(static_cast<std::size_t>(count * width));
  for (std::int64_t r = 0; r < count; ++r) std::copy_n(first + r * stride, width, copy.data() + r * width);
  for (std::int64_t r = 0; r < count; ++r) {
    const float* rows[2 * kRadius + 1];
    for (int t = 0; t <= 2 * kRadius; ++t) {
      rows[t] = copy.data() + std::clamp<std::int64_t>(r + t - kRadius, 0, count - 1) * width;
    }
    blend_rows(rows, taps, width, first + r * stride);
  }
}

}  // namespace

std::vector<float> blurred_opacity(const std::vector<float>& sigma_t_per_mm,
                                   const std::array<std::int64_t, 3>& shape_zyx) {
  const auto [depth, height, width] = shape_zyx;
  const Taps taps;
  std::vector<float> opacity(sigma_t_per_mm.size());
  parallel_for(0, depth, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> scratch;
    for (std::int64_t k = begin; k < end; ++k) {
      const float* sigma = sigma_t_per_mm.data() + k * height * width;
      float* slice = opacity.data() + k * height * width;
      bool visible = false;
      for (std::int64_t n = 0; n < height * width; ++n) {
        if (sigma[n] == 0) continue;
        slice[n] = -std::expm1(-sigma[n]);
        visible = true;
      }
      if (!visible) continue;
      for (std::int64_t j = 0; j < height; ++j) blur_along_x(slice + j * width, width, taps, scratch);
      blur_across_rows(slice, height, width, width, taps, scratch);
    }
  });
  parallel_for(0, height, 4, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> scratch;
    for (std::int64_t j = begin; j < end; ++j) {
      blur_across_rows(opacity.data() + j * width, depth, height * width, width, taps, scratch);
    }
  });
  return opacity;
}

}  // namespace renderfm
