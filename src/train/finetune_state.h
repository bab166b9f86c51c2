// A fine-tuning run on disk: everything that its continuation depends on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "renderfm/train/finetune.h"

namespace renderfm {

struct FinetuneState {
  std::int64_t fingerprint = 0;  ///< of start, views and options
  int step = 0, best_step = 0, stale_evaluations = 0;
  bool stopped_early = false;
  double seconds = 0;
  double psnr_before_db = 0, psnr_best_db = 0;
  GaussianOptimizer::State optimizer;
  torch::Tensor best_unknowns, best_label;  ///< undefined while the start is the best
  torch::Tensor density_sums;               ///< undefined without density control
  std::vector<FinetunePoint> curve;
};

/// One number for what the run is made of: another start, view or option, and a state is not resumed.
std::int64_t fingerprint(const GaussianSet& start, const ViewSplit& views, const FinetuneOptions& options);

/// Atomic.
void save_state(const FinetuneState& state, const std::filesystem::path& path);
/// None where there is no file. Throws kBadInput for a damaged file or one of another run.
std::optional<FinetuneState> load_state(const std::filesystem::path& path, std::int64_t fingerprint);

}  // namespace renderfm
