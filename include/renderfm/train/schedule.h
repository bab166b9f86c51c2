// The learning rate over a run: linear warm-up, then half a cosine.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

#include "renderfm/train/config.h"

namespace renderfm::train {

/// Of step `step` (0 first): lr (step + 1) / (warmup + 1) in the warm-up; then from lr down to
/// lr * final_lr_share at the last step.
inline double learning_rate(const OptimizerConfig& config, std::int64_t step) {
  if (step < config.warmup_steps) {
    return config.lr * static_cast<double>(step + 1) / static_cast<double>(config.warmup_steps + 1);
  }
  const auto length = static_cast<double>(config.steps - 1 - config.warmup_steps);
  const double way = length > 0 ? static_cast<double>(step - config.warmup_steps) / length : 0;
  const double cosine = 0.5 * (1 + std::cos(std::numbers::pi * (way < 1 ? way : 1)));
  return config.lr * (config.final_lr_share + (1 - config.final_lr_share) * cosine);
}

}  // namespace renderfm::train
