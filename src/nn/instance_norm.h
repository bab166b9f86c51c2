// Instance norm and leaky ReLU over a channels-last map, forward and backward.
#pragma once

#include <cstdint>
#include <vector>

namespace renderfm::nn {

inline constexpr double kNormEps = 1e-5;
inline constexpr double kLeakySlope = 0.01;

/// Of every channel over all rows.
struct Moments {
  std::vector<double> mean, inverse_deviation;  // [channels]; 1 / sqrt(variance + kNormEps)
};

/// rows [count, channels], contiguous. The same bits for any number of threads.
Moments channel_moments(const float* rows, std::int64_t count, std::int64_t channels);

/// Normalises rows [count, channels] with `moments`, scales, shifts (weight and bias [channels]) and
/// rectifies them into `out`, which may be `rows`. `copy`, unless null, receives the result too: [count,
/// copy_stride], its first `channels` columns.
void norm_leaky_relu(const float* rows, std::int64_t count, const Moments& moments, const float* weight,
                     const float* bias, float* out, float* copy = nullptr, std::int64_t copy_stride = 0);

/// Backward of the two together: `rows` as they went in, v_out [count, channels] -> v_rows (other memory),
/// and added to v_weight and v_bias [channels]. The same bits for any number of threads.
void norm_leaky_relu_backward(const float* rows, std::int64_t count, const Moments& moments,
                              const float* weight, const float* bias, const float* v_out, float* v_rows,
                              double* v_weight, double* v_bias);

/// target[i * target_stride + c] = source[i * channels + c].
void copy_rows(const float* source, std::int64_t count, std::int64_t channels, float* target,
               std::int64_t target_stride);

}  // namespace renderfm::nn
