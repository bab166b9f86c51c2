// Optimises the Gaussians of one scan against pictures of it. What it returns never draws the held-out views
// worse than what it was given.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "renderfm/gaussian/gaussian_set.h"
#include "renderfm/train/densify.h"
#include "renderfm/train/gaussian_optimizer.h"
#include "renderfm/train/mcmc.h"
#include "renderfm/train/posed_views.h"

namespace renderfm {

/// What `model` says of Gaussians that were fine-tuned.
std::string fine_tuned(const std::string& model);

struct FinetuneOptions {
  int steps = 1500;    ///< of one view each
  double minutes = 0;  ///< stop then, rates falling by the clock; 0 for no limit. Not the same bits twice
  GaussianRates rates;
  double last_rate = 0.1, last_position_rate = 0.01;  ///< of the first, reached exponentially
  double l1_weight = 0.8, ssim_weight = 0.2;
  /// The Gaussians that together give no more than this share of the light of the training views rest: they
  /// are not drawn on the way, which takes two fifths off the time of a step in a body, and are as they were
  /// in what is kept and evaluated. Negative: none.
  double resting_share = 0.01;
  double coarse_share = 0;  ///< of the steps, the first ones, on pictures of half the size
  std::optional<DensifyOptions> densify;
  std::optional<McmcOptions> mcmc;  ///< instead of `densify`
  int evaluations = 20;             ///< of the held-out views, evenly spread
  int patience = 6;                 ///< evaluations without a better one before stopping; 0 for never
  /// False returns the last Gaussians, as the authors of 3DGS do: a fixed schedule, judged afterwards by
  /// other views. Nothing then keeps them from being worse.
  bool keep_best = true;
  std::string watched = "held-out views";  ///< what `ViewSplit::held_out` is called in messages
  std::uint64_t seed = 1;
  std::filesystem::path state_file;  ///< where the run is kept and found again; empty for nowhere
  double save_every_s = 30;
  std::filesystem::path best_file;  ///< .ply, written anew at every evaluation that is the best so far
};

struct FinetunePoint {
  int step = 0;
  double seconds = 0;  ///< of optimising, evaluations and files left out
  double held_out_psnr_db = 0;
  std::int64_t gaussians = 0;
};

struct FinetuneResult {
  GaussianSet gaussians;
  double psnr_before_db = 0, psnr_after_db = 0;  ///< mean over the held-out views
  int steps = 0;                                 ///< taken, those of a resumed run included
  double seconds = 0;
  bool made_progress = false;  ///< false: no evaluation was better than the start
  bool stopped_early = false;
  std::vector<FinetunePoint> curve;
};

/// Called after every evaluation.
using FinetuneWatch = std::function<void(const FinetunePoint&)>;

/// Mean PSNR in dB of the views drawn and clamped to [0, 1]. Views of one size.
double mean_psnr_db(const GaussianSet& gaussians, const std::vector<PosedView>& views);

/// Throws kBadInput where no Gaussian is seen in any view, or where the state file is of another run. Equal
/// bits for any thread count, and for a run that was interrupted and resumed.
FinetuneResult finetune(const GaussianSet& start, const ViewSplit& views, const FinetuneOptions& options,
                        const FinetuneWatch& watch = {});

}  // namespace renderfm
