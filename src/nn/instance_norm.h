// Instance norm and leaky ReLU in two passes over a channels-last map, for inference.
#pragma once

#include <cstdint>

namespace renderfm::nn {

inline constexpr double kNormEps = 1e-5;
inline constexpr double kLeakySlope = 0.01;

/// rows [count, channels], contiguous; weight and bias [channels]. Normalises every channel over all rows,
/// scales, shifts and rectifies in place. `copy`, unless null, receives the result too: [count, copy_stride],
/// its first `channels` columns.
void instance_norm_leaky_relu(float* rows, std::int64_t count, std::int64_t channels, const float* weight,
                              const float* bias, float* copy, std::int64_t copy_stride);

/// target[i * target_stride + c] = source[i * channels + c].
void copy_rows(const float* source, std::int64_t count, std::int64_t channels, float* target,
               std::int64_t target_stride);

}  // namespace renderfm::nn
