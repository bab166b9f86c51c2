#include "instance_norm.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "renderfm/core/parallel.h"

namespace renderfm::nn {
namespace {

constexpr std::int64_t kChunkFloats = 1 << 17;  // half a second-level cache
constexpr std::int64_t kFloatRows = 64;         // summed in float before the double totals take over

std::int64_t rows_per_chunk(std::int64_t channels) {
  return std::max<std::int64_t>(1, kChunkFloats / channels);
}

// Sums of (x - shift) and its square over rows [first, last), added to the two halves of `sums`.
void add_moments(const float* __restrict rows, std::int64_t first, std::int64_t last, std::int64_t channels,
                 const float* __restrict shift, double* __restrict sums) {
  std::vector<float> partial(static_cast<std::size_t>(2 * channels));
  float* __restrict sum = partial.data();
  float* __restrict square = sum + channels;
  for (std::int64_t block = first; block < last; block += kFloatRows) {
    std::fill(partial.begin(), partial.end(), 0.0f);
    for (std::int64_t row = block; row < std::min(last, block + kFloatRows); ++row) {
      const float* __restrict x = rows + row * channels;
      for (std::int64_t c = 0; c < channels; ++c) {
        const float d = x[c] - shift[c];
        sum[c] += d;
        square[c] += d * d;
      }
    }
    for (std::int64_t c = 0; c < 2 * channels; ++c)
      sums[c] += static_cast<double>(partial[static_cast<std::size_t>(c)]);
  }
}

}  // namespace

void instance_norm_leaky_relu(float* rows, std::int64_t count, std::int64_t channels, const float* weight,
                              const float* bias, float* copy, std::int64_t copy_stride) {
  const std::int64_t grain = rows_per_chunk(channels);
  const std::int64_t chunks = (count + grain - 1) / grain;
  const auto width = static_cast<std::size_t>(channels);
  // Deviations from the first row keep the variance exact where a channel's mean is far from zero.
  const std::vector<float> shift(rows, rows + channels);
  std::vector<double> chunk_sums(static_cast<std::size_t>(chunks) * 2 * width, 0.0);
  parallel_for(0, count, grain, [&](std::int64_t first, std::int64_t last) {
    add_moments(rows, first, last, channels, shift.data(),
                chunk_sums.data() + static_cast<std::size_t>(first / grain) * 2 * width);
  });
  std::vector<double> sums(2 * width, 0.0);
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
    for (std::size_t c = 0; c < 2 * width; ++c)
      sums[c] += chunk_sums[static_cast<std::size_t>(chunk) * 2 * width + c];
  }

  std::vector<float> scale(width), offset(width);
  for (std::size_t c = 0; c < width; ++c) {
    const double mean_shifted = sums[c] / static_cast<double>(count);
    const double variance =
        std::max(0.0, sums[width + c] / static_cast<double>(count) - mean_shifted * mean_shifted);
    const double factor = static_cast<double>(weight[c]) / std::sqrt(variance + kNormEps);
    scale[c] = static_cast<float>(factor);
    offset[c] = static_cast<float>(static_cast<double>(bias[c]) -
                                   factor * (static_cast<double>(shift[c]) + mean_shifted));
  }
  constexpr float slope = static_cast<float>(kLeakySlope);
  parallel_for(0, count, grain, [&](std::int64_t first, std::int64_t last) {
    const float* __restrict a = scale.data();
    const float* __restrict b = offset.data();
    for (std::int64_t row = first; row < last; ++row) {
      float* __restrict x = rows + row * channels;
      for (std::int64_t c = 0; c < channels; ++c) {
        const float y = x[c] * a[c] + b[c];
        x[c] = std::max(y, slope * y);
      }
      if (copy != nullptr) std::memcpy(copy + row * copy_stride, x, width * sizeof(float));
    }
  });
}

void copy_rows(const float* source, std::int64_t count, std::int64_t channels, float* target,
               std::int64_t target_stride) {
  parallel_for(0, count, rows_per_chunk(channels), [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t row = first; row < last; ++row) {
      std::memcpy(target + row * target_stride, source + row * channels,
                  static_cast<std::size_t>(channels) * sizeof(float));
    }
  });
}

}  // namespace renderfm::nn
