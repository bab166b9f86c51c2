#include "instance_norm.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
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

// Calls add(first, last, partial) for blocks of rows; `partial` [width] comes zeroed and is summed in double,
// chunk after chunk, whatever the number of threads.
template <typename Add>
std::vector<double> sum_rows(std::int64_t count, std::int64_t channels, std::size_t width, const Add& add) {
  const std::int64_t grain = rows_per_chunk(channels);
  const std::int64_t chunks = (count + grain - 1) / grain;
  std::vector<double> chunk_sums(static_cast<std::size_t>(chunks) * width, 0.0);
  parallel_for(0, count, grain, [&](std::int64_t first, std::int64_t last) {
    double* const sums = chunk_sums.data() + static_cast<std::size_t>(first / grain) * width;
    std::vector<float> partial(width);
    for (std::int64_t block = first; block < last; block += kFloatRows) {
      std::fill(partial.begin(), partial.end(), 0.0f);
      add(block, std::min(last, block + kFloatRows), partial.data());
      for (std::size_t c = 0; c < width; ++c) sums[c] += static_cast<double>(partial[c]);
    }
  });
  std::vector<double> sums(width, 0.0);
  for (std::size_t chunk = 0; chunk < static_cast<std::size_t>(chunks); ++chunk) {
    for (std::size_t c = 0; c < width; ++c) sums[c] += chunk_sums[chunk * width + c];
  }
  return sums;
}

// y = x * scale + offset before the rectifier.
struct Affine {
  std::vector<float> scale, offset;

  Affine(const Moments& moments, const float* weight, const float* bias)
      : scale(moments.mean.size()), offset(moments.mean.size()) {
    for (std::size_t c = 0; c < scale.size(); ++c) {
      const double factor = static_cast<double>(weight[c]) * moments.inverse_deviation[c];
      scale[c] = static_cast<float>(factor);
      offset[c] = static_cast<float>(static_cast<double>(bias[c]) - factor * moments.mean[c]);
    }
  }
};

constexpr float kSlope = static_cast<float>(kLeakySlope);

inline float rectified(float x) { return std::max(x, kSlope * x); }
// The rectifier's slope at x, chosen by x's sign bit: a branch would be mispredicted for every other voxel.
inline float slope_at(float x) {
  constexpr auto kOne = std::bit_cast<std::uint32_t>(1.0f), kSmall = std::bit_cast<std::uint32_t>(kSlope);
  const auto negative = static_cast<std::uint32_t>(std::bit_cast<std::int32_t>(x) >> 31);  // all ones or none
  return std::bit_cast<float>(kOne ^ ((kOne ^ kSmall) & negative));
}

}  // namespace

Moments channel_moments(const float* rows, std::int64_t count, std::int64_t channels) {
  const auto width = static_cast<std::size_t>(channels);
  // Deviations from the first row keep the variance exact where a channel's mean is far from zero.
  const std::vector<float> first_row(rows, rows + channels);
  const std::vector<double> sums =
      sum_rows(count, channels, 2 * width, [&](std::int64_t first, std::int64_t last, float* partial) {
        const float* __restrict shift = first_row.data();
        float* __restrict sum = partial;
        float* __restrict square = partial + channels;
        for (std::int64_t row = first; row < last; ++row) {
          const float* __restrict x = rows + row * channels;
          for (std::int64_t c = 0; c < channels; ++c) {
            const float d = x[c] - shift[c];
            sum[c] += d;
            square[c] += d * d;
          }
        }
      });
  Moments moments{std::vector<double>(width), std::vector<double>(width)};
  for (std::size_t c = 0; c < width; ++c) {
    const double mean_shifted = sums[c] / static_cast<double>(count);
    const double variance =
        std::max(0.0, sums[width + c] / static_cast<double>(count) - mean_shifted * mean_shifted);
    moments.mean[c] = static_cast<double>(first_row[c]) + mean_shifted;
    moments.inverse_deviation[c] = 1 / std::sqrt(variance + kNormEps);
  }
  return moments;
}

void norm_leaky_relu(const float* rows, std::int64_t count, const Moments& moments, const float* weight,
                     const float* bias, float* out, float* copy, std::int64_t copy_stride) {
  const auto channels = static_cast<std::int64_t>(moments.mean.size());
  const Affine affine(moments, weight, bias);
  parallel_for(0, count, rows_per_chunk(channels), [&](std::int64_t first, std::int64_t last) {
    const float* __restrict a = affine.scale.data();
    const float* __restrict b = affine.offset.data();
    for (std::int64_t row = first; row < last; ++row) {
      float* __restrict y = out + row * channels;
      if (rows == out) {
        for (std::int64_t c = 0; c < channels; ++c) y[c] = rectified(y[c] * a[c] + b[c]);
      } else {
        const float* __restrict x = rows + row * channels;
        for (std::int64_t c = 0; c < channels; ++c) y[c] = rectified(x[c] * a[c] + b[c]);
      }
      if (copy != nullptr)
        std::memcpy(copy + row * copy_stride, y, static_cast<std::size_t>(channels) * sizeof(float));
    }
  });
}

// With n = (x - mean) / deviation and g the gradient behind the rectifier: v_bias = sum g, v_weight = sum g
// n, v_x = weight / deviation (g - mean of g - n mean of g n).
void norm_leaky_relu_backward(const float* rows, std::int64_t count, const Moments& moments,
                              const float* weight, const float* bias, const float* v_out, float* v_rows,
                              double* v_weight, double* v_bias) {
  const auto channels = static_cast<std::int64_t>(moments.mean.size());
  const auto width = moments.mean.size();
  const Affine affine(moments, weight, bias);
  std::vector<float> means(width), inverses(width);
  for (std::size_t c = 0; c < width; ++c) {
    means[c] = static_cast<float>(moments.mean[c]);
    inverses[c] = static_cast<float>(moments.inverse_deviation[c]);
  }
  const std::vector<double> sums =
      sum_rows(count, channels, 2 * width, [&](std::int64_t first, std::int64_t last, float* partial) {
        const float* __restrict a = affine.scale.data();
        const float* __restrict b = affine.offset.data();
        const float* __restrict mean = means.data();
        const float* __restrict inverse = inverses.data();
        float* __restrict sum = partial;
        float* __restrict along = partial + channels;
        for (std::int64_t row = first; row < last; ++row) {
          const float* __restrict x = rows + row * channels;
          const float* __restrict v = v_out + row * channels;
          for (std::int64_t c = 0; c < channels; ++c) {
            const float g = v[c] * slope_at(x[c] * a[c] + b[c]);
            sum[c] += g;
            along[c] += g * ((x[c] - mean[c]) * inverse[c]);
          }
        }
      });
  std::vector<float> sum_mean(width), along_mean(width);
  for (std::size_t c = 0; c < width; ++c) {
    v_bias[c] += sums[c];
    v_weight[c] += sums[width + c];
    sum_mean[c] = static_cast<float>(sums[c] / static_cast<double>(count));
    along_mean[c] = static_cast<float>(sums[width + c] / static_cast<double>(count));
  }
  parallel_for(0, count, rows_per_chunk(channels), [&](std::int64_t first, std::int64_t last) {
    const float* __restrict a = affine.scale.data();
    const float* __restrict b = affine.offset.data();
    const float* __restrict mean = means.data();
    const float* __restrict inverse = inverses.data();
    const float* __restrict g_mean = sum_mean.data();
    const float* __restrict n_mean = along_mean.data();
    for (std::int64_t row = first; row < last; ++row) {
      const float* __restrict x = rows + row * channels;
      const float* __restrict v = v_out + row * channels;
      float* __restrict v_x = v_rows + row * channels;
      for (std::int64_t c = 0; c < channels; ++c) {
        const float g = v[c] * slope_at(x[c] * a[c] + b[c]);
        v_x[c] = a[c] * (g - g_mean[c] - (x[c] - mean[c]) * inverse[c] * n_mean[c]);
      }
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
