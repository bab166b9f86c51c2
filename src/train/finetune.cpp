#include "renderfm/train/finetune.h"

#include <torch/nn/functional/pooling.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "renderfm/core/check.h"
#include "renderfm/core/log.h"
#include "renderfm/core/progress.h"
#include "renderfm/core/stop_watch.h"
#include "renderfm/gaussian/ply.h"
#include "renderfm/image/psnr.h"
#include "renderfm/image/ssim.h"
#include "renderfm/math/rng.h"
#include "renderfm/raster/light_share.h"
#include "renderfm/raster/rasterize.h"
#include "renderfm/tensor/one_torch_thread.h"
#include "train/finetune_state.h"

namespace renderfm {
namespace {

// A gain below this is rounding, not progress.
constexpr double kLeastGain_db = 0.01;

PosedView halved(const PosedView& view) {
  namespace F = torch::nn::functional;
  PosedView half = view;
  half.srgb = F::avg_pool2d(view.srgb.unsqueeze(0), F::AvgPool2dFuncOptions(2))[0].contiguous();
  half.camera.width /= 2;
  half.camera.height /= 2;
  for (double* value : {&half.camera.fx, &half.camera.fy, &half.camera.cx, &half.camera.cy}) *value /= 2;
  return half;
}

/// The view of step `step`: all in turn, in an order that the seed shuffles anew for every round.
std::size_t view_of_step(int step, std::size_t views, std::uint64_t seed) {
  const auto round = static_cast<std::uint64_t>(step) / views;
  std::vector<std::size_t> order(views);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t n = views - 1; n > 0; --n) std::swap(order[n], order[hash64(seed, round, n) % (n + 1)]);
  return order[static_cast<std::size_t>(step) % views];
}

void check_seen(const GaussianSet& start, const ViewSplit& views) {
  const torch::NoGradGuard no_grad;
  for (const auto* side : {&views.train, &views.held_out}) {
    for (const PosedView& view : *side) {
      if (raster::rasterize(start, {view.camera}).alpha.max().item<double>() > 0) return;
    }
  }
  const auto text = [](Vec3d p) { return fmt::format("({:.0f}, {:.0f}, {:.0f})", p.x, p.y, p.z); };
  const torch::Tensor mean = start.position_mm.mean(0, false, torch::kFloat64);
  const Camera& camera = views.train.front().camera;
  fail_input(
      "no Gaussian is seen in any of the {} views: the Gaussians lie around {} mm, the first camera stands "
      "at "
      "{} and looks along {}; views must be in the frame of the Gaussians (patient LPS, mm)",
      views.train.size() + views.held_out.size(),
      text({mean[0].item<double>(), mean[1].item<double>(), mean[2].item<double>()}),
      text(camera.position_mm),
      fmt::format("({:.2f}, {:.2f}, {:.2f})", camera.rotation[2][0], camera.rotation[2][1],
                  camera.rotation[2][2]));
}

std::vector<Camera> cameras_of(const std::vector<PosedView>& views) {
  std::vector<Camera> cameras;
  for (const PosedView& view : views) cameras.push_back(view.camera);
  return cameras;
}

/// A scene as the optimisation sees it: what it works on, and what rests out of sight.
struct Parts {
  GaussianSet worked_on, resting;
  torch::Tensor place;  ///< [N] of each of the start: those worked on, then the resting
  double seconds = 0;   ///< that telling them apart took

  /// In the order of the start, where their number is still that of the start.
  GaussianSet whole(const GaussianSet& changed) const {
    if (resting.size() == 0) return changed;
    const GaussianSet all = changed.joined(resting);
    return changed.size() == worked_on.size() ? all.select(place) : all;
  }
};

Parts parts_of(const GaussianSet& start, const ViewSplit& views, const FinetuneOptions& options) {
  if (options.resting_share < 0) return {start, {}, {}, 0};
  StopWatch watch;
  const torch::Tensor weight = raster::drawn_weight(start, cameras_of(views.train));
  const torch::Tensor matters = raster::all_but_share(weight, options.resting_share);
  const auto count = matters.sum().item<std::int64_t>();
  // Where the pictures show nothing of them, evaluations tell.
  if (count == 0 || count == start.size()) return {start, {}, {}, 0};
  log_info("{} of {} Gaussians make {:.1f} % of the training views; the others rest", count, start.size(),
           100 * (1 - options.resting_share));
  const torch::Tensor resting = matters.logical_not();
  const torch::Tensor place =
      torch::where(matters, matters.cumsum(0) - 1, count + resting.cumsum(0) - 1).to(torch::kInt64);
  return {start.select(matters), start.select(resting), place, watch.lap_s()};
}

class Run {
 public:
  Run(const GaussianSet& start, const ViewSplit& views, const FinetuneOptions& options,
      const FinetuneWatch& watch)
      : start_(start),
        views_(views),
        options_(options),
        watch_(watch),
        parts_(parts_of(start, views, options)),
        optimizer_(parts_.worked_on, extent_of(start), options.rates) {
    RFM_CHECK(!options.densify || !options.mcmc, "density control is either adaptive or MCMC, not both");
    const auto within_cap = [&](auto control) {
      control.max_gaussians = std::max<std::int64_t>(0, control.max_gaussians - parts_.resting.size());
      return control;
    };
    if (options.densify) density_.emplace(within_cap(*options.densify), options.seed);
    if (options.mcmc) mcmc_.emplace(within_cap(*options.mcmc), options.seed);
    const PosedView& first = views.train.front();
    if (options.coarse_share > 0 && first.camera.width % 2 == 0 && first.camera.height % 2 == 0) {
      for (const PosedView& view : views.train) coarse_.push_back(halved(view));
    }
    every_ = std::max(1, options.steps / std::max(1, options.evaluations));
    state_.fingerprint = options.state_file.empty() ? 0 : fingerprint(start, views, options);
  }

  FinetuneResult run() {
    if (auto saved = load_state(options_.state_file, state_.fingerprint)) {
      state_ = std::move(*saved);
      optimizer_.restore(state_.optimizer);
      if (density_) density_->restore(state_.density_sums);
      log_info("resuming {} at step {} of {}", options_.state_file.string(), state_.step, options_.steps);
    } else {
      state_.seconds = parts_.seconds;
      state_.psnr_before_db = state_.psnr_best_db = mean_psnr_db(start_, views_.held_out);
      add_point(state_.psnr_before_db);
    }
    log_info("{}: {:.2f} dB before", options_.watched, state_.psnr_before_db);
    Progress progress("fine-tuning", options_.steps);
    progress.skip(state_.step);
    note(progress);
    StopWatch clock;
    double since_save_s = 0;
    while (state_.step < options_.steps && !state_.stopped_early && !out_of_time()) {
      if (!take_step()) break;
      const double lap_s = clock.lap_s();
      state_.seconds += lap_s;
      since_save_s += lap_s;
      if (state_.step % every_ == 0 || state_.step == options_.steps || out_of_time()) {
        evaluate();
        note(progress);
        clock.lap_s();
      }
      if (since_save_s >= options_.save_every_s) {
        save();
        since_save_s = 0;
        clock.lap_s();
      }
      progress.advance();
    }
    save();
    return result();
  }

 private:
  static double extent_of(const GaussianSet& start) {
    if (start.view_sphere) return start.view_sphere->radius_mm;
    const torch::Tensor centred = start.position_mm.detach() - start.position_mm.detach().mean(0);
    return std::max(centred.norm(2, 1).quantile(0.99).item<double>(), 1e-3);
  }

  GaussianSet whole(const GaussianSet& changed) const {
    const torch::NoGradGuard no_grad;
    return parts_.whole(changed);
  }

  double progress_share() const {
    const double by_step = static_cast<double>(state_.step) / options_.steps;
    return options_.minutes > 0 ? std::max(by_step, std::min(1.0, state_.seconds / (60 * options_.minutes)))
                                : by_step;
  }
  bool out_of_time() const { return options_.minutes > 0 && state_.seconds >= 60 * options_.minutes; }

  /// False where the loss is no number any more: nothing good can follow.
  bool take_step() {
    const bool coarse = !coarse_.empty() && progress_share() < options_.coarse_share;
    const std::vector<PosedView>& views = coarse ? coarse_ : views_.train;
    const PosedView& view = views[view_of_step(state_.step, views.size(), options_.seed)];
    StopWatch part;
    const torch::Tensor rgb = raster::rasterize(optimizer_.gaussians(), {view.camera}).rgb;
    draw_s_ += part.lap_s();
    const torch::Tensor target = view.srgb.unsqueeze(0);
    const torch::Tensor loss = options_.l1_weight * (rgb - target).abs().mean() +
                               options_.ssim_weight * (1 - ssim(rgb, target).mean());
    loss_s_ += part.lap_s();
    if (!std::isfinite(loss.item<double>())) {
      log_warning("the loss is no number at step {}; the best Gaussians so far are kept", state_.step);
      return false;
    }
    loss.backward();
    backward_s_ += part.lap_s();
    if (density_) density_->observe(optimizer_.gaussians(), view.camera);
    if (mcmc_) mcmc_->regularise(optimizer_);
    observe_s_ += part.lap_s();
    const double share = progress_share();
    const double position_decay = std::pow(options_.last_position_rate, share);
    optimizer_.step(std::pow(options_.last_rate, share), position_decay);
    adam_s_ += part.lap_s();
    ++state_.step;
    change_number(position_decay);
    density_s_ += part.lap_s();
    return true;
  }

  /// Density control, of whichever kind.
  void change_number(double position_decay) {
    if (density_) {
      const DensifyCounts counts = density_->densify(optimizer_, state_.step);
      if (counts.cloned + counts.split + counts.pruned > 0) {
        log_debug("step {}: {} cloned, {} split, {} pruned, {} Gaussians", state_.step, counts.cloned,
                  counts.split, counts.pruned, optimizer_.size());
      }
    }
    if (mcmc_) {
      const McmcCounts counts =
          mcmc_->after_step(optimizer_, state_.step, options_.rates.position * position_decay);
      if (counts.moved + counts.added > 0) {
        log_debug("step {}: {} moved, {} added, {} Gaussians", state_.step, counts.moved, counts.added,
                  optimizer_.size());
      }
    }
  }

  void evaluate() {
    const double psnr_db = mean_psnr_db(whole(optimizer_.gaussians()), views_.held_out);
    add_point(psnr_db);
    if (psnr_db > state_.psnr_best_db) {
      state_.psnr_best_db = psnr_db;
      state_.best_step = state_.step;
      state_.best_unknowns = optimizer_.state().unknowns.clone();
      state_.best_label = optimizer_.state().label;
      state_.stale_evaluations = 0;
      if (!options_.best_file.empty() && psnr_db >= state_.psnr_before_db + kLeastGain_db) {
        GaussianSet best = whole(optimizer_.snapshot());
        best.model = fine_tuned(best.model);
        write_ply(best, options_.best_file);
      }
    } else if (options_.keep_best && options_.patience > 0 &&
               ++state_.stale_evaluations >= options_.patience) {
      state_.stopped_early = true;
      log_info("no better {} in {} evaluations: stopping at step {}", options_.watched, options_.patience,
               state_.step);
    }
  }

  void add_point(double psnr_db) {
    state_.curve.push_back({state_.step, state_.seconds, psnr_db, optimizer_.size() + parts_.resting.size()});
    if (watch_) watch_(state_.curve.back());
  }

  void note(Progress& progress) const {
    progress.note(fmt::format("{} {:.2f} dB, best {:.2f}", options_.watched,
                              state_.curve.back().held_out_psnr_db, state_.psnr_best_db));
  }

  void save() {
    if (options_.state_file.empty()) return;
    state_.optimizer = optimizer_.state();
    if (density_) state_.density_sums = density_->sums();
    save_state(state_, options_.state_file);
  }

  FinetuneResult result() {
    log_debug(
        "seconds: drawing {:.1f}, loss {:.1f}, backward {:.1f}, observing {:.1f}, Adam {:.1f}, density "
        "{:.1f}",
        draw_s_, loss_s_, backward_s_, observe_s_, adam_s_, density_s_);
    FinetuneResult result;
    result.psnr_before_db = state_.psnr_before_db;
    result.steps = state_.step;
    result.seconds = state_.seconds;
    result.stopped_early = state_.stopped_early;
    result.curve = state_.curve;
    result.made_progress =
        state_.best_unknowns.defined() && state_.psnr_best_db >= state_.psnr_before_db + kLeastGain_db;
    if (!options_.keep_best) {
      result.gaussians = whole(optimizer_.snapshot());
      result.psnr_after_db = state_.curve.back().held_out_psnr_db;
      return result;
    }
    if (!result.made_progress) {
      log_warning(
          "no progress: no step drew the {} better than the start ({:.2f} dB), which is kept; "
          "check that views and cameras belong to this scan",
          options_.watched, state_.psnr_before_db);
      result.gaussians = start_;
      result.psnr_after_db = state_.psnr_before_db;
      return result;
    }
    GaussianOptimizer::State best = state_.optimizer;
    best.unknowns = state_.best_unknowns;
    best.label = state_.best_label;
    optimizer_.restore(best);
    result.gaussians = whole(optimizer_.snapshot());
    result.psnr_after_db = state_.psnr_best_db;
    return result;
  }

  const GaussianSet& start_;
  const ViewSplit& views_;
  const FinetuneOptions& options_;
  const FinetuneWatch& watch_;
  const Parts parts_;
  GaussianOptimizer optimizer_;
  std::optional<DensityControl> density_;
  std::optional<Mcmc> mcmc_;
  std::vector<PosedView> coarse_;
  int every_ = 1;
  FinetuneState state_;
  double draw_s_ = 0, loss_s_ = 0, backward_s_ = 0, observe_s_ = 0, adam_s_ = 0, density_s_ = 0;
};

}  // namespace

std::string fine_tuned(const std::string& model) {
  return model.empty() ? "fine-tuned" : model + ", fine-tuned";
}

double mean_psnr_db(const GaussianSet& gaussians, const std::vector<PosedView>& views) {
  const torch::NoGradGuard no_grad;
  double sum = 0;
  for (const PosedView& view : views) {
    const torch::Tensor rgb = raster::rasterize(gaussians, {view.camera}).rgb.clamp(0, 1);
    sum += psnr_db(rgb, view.srgb.unsqueeze(0)).item<double>();
  }
  return sum / static_cast<double>(views.size());
}

FinetuneResult finetune(const GaussianSet& start, const ViewSplit& views, const FinetuneOptions& options,
                        const FinetuneWatch& watch) {
  RFM_CHECK(!views.train.empty() && !views.held_out.empty(),
            "fine-tuning needs views on both sides: {} and {}", views.train.size(), views.held_out.size());
  RFM_CHECK(options.steps > 0, "fine-tuning takes at least one step, not {}", options.steps);
  const OneTorchThread one_torch_thread;
  check_seen(start, views);
  return Run(start, views, options, watch).run();
}

}  // namespace renderfm
