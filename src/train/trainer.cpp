#include "renderfm/train/trainer.h"

#include <ATen/DeviceGuard.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <utility>

#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/core/file_lock.h"
#include "renderfm/core/interrupt.h"
#include "renderfm/core/log.h"
#include "renderfm/core/sha256.h"
#include "renderfm/core/version.h"
#include "renderfm/image/contact_sheet.h"
#include "renderfm/image/image_io.h"
#include "renderfm/image/psnr.h"
#include "renderfm/image/ssim.h"
#include "renderfm/nn/tensor_pool.h"
#include "renderfm/train/journal.h"
#include "renderfm/train/run_folder.h"
#include "renderfm/train/tensorboard.h"
#include "train/stepper.h"

namespace renderfm::train {
namespace {

constexpr const char* kConfig = "config";
constexpr const char* kBest = "best_psnr";
constexpr const char* kBegunFrom = "begun_from";

// A launcher that starts a job again may do so a moment before the old process is gone.
constexpr std::chrono::seconds kPatience{5};

// Process 0 alone writes, so it alone takes the folder; all of them stop where it cannot.
std::unique_ptr<FileLock> take_for_all(const RunFolder& folder, ProcessGroup& group) {
  std::unique_ptr<FileLock> lock;
  std::exception_ptr failure;
  torch::Tensor failed = torch::zeros({1});
  if (group.rank() == 0) {
    try {
      lock = folder.take(kPatience);
    } catch (const Error&) {
      failure = std::current_exception();
      failed.fill_(1);
    }
  }
  group.sum(failed);
  if (failure) std::rethrow_exception(failure);
  if (failed.item<float>() > 0)
    fail_input("process 0 cannot train in {}; it says why", folder.root().string());
  return lock;
}

class Run {
 public:
  Run(const TrainConfig& config, const TrainingData& data, const RunOptions& options, ProcessGroup& group)
      : config_(config),
        data_(data),
        folder_(options.out),
        group_(group),
        lock_(take_for_all(folder_, group)),
        stepper_(config, data, group) {
    begin(options);
  }

  void run() {
    NoteInterrupts interrupts;
    const std::int64_t steps = config_.optimizer.steps;
    while (step_ < steps) {
      const StepNumbers numbers =
          stepper_.step(step_, interrupts.stop_asked(), interrupts.take_save_asked(), dump_folder());
      ++step_;
      if (step_ % config_.log_every == 0 || step_ == 1 || step_ == steps) log(numbers);
      if (validation_due()) validate();
      if (numbers.stop || numbers.save || step_ % config_.checkpoint.every == 0 || step_ == steps) save();
      if (numbers.stop) {
        fail_runtime("stopped by a signal after step {} of {}; all is saved, --resume auto goes on", step_,
                     steps);
      }
    }
    if (group_.rank() == 0) {
      log_info("trained {} steps; renderfm-infer --model {}/step-{:08}.safetensors uses the network", steps,
               folder_.checkpoints().string(), steps);
    }
  }

 private:
  bool writes() const { return group_.rank() == 0; }
  std::filesystem::path dump_folder() const { return folder_.root(); }
  bool validation_due() const {
    return config_.validation.every > 0 &&
           (step_ % config_.validation.every == 0 || step_ == config_.optimizer.steps);
  }

  void begin(const RunOptions& options) {
    std::optional<StoredState> state;
    if (options.resume == "auto") {
      state = folder_.newest();
      if (!state) log_info("there is no run in {} yet: a new one starts", folder_.root().string());
    } else if (!options.resume.empty()) {
      state = load_state(options.resume);
    } else if (folder_.has_run()) {
      fail_input("{} holds a run already; go on with --resume auto, or name another --out",
                 folder_.root().string());
    }
    if (state) {
      resume(*state);
    } else if (!options.init.empty()) {
      const Checkpoint start = load_checkpoint(options.init);
      std::map<std::string, torch::Tensor> weights;
      const UNet3d network = network_from(start, options.init.string());
      for (const NamedTensor& parameter : network.parameters()) weights[parameter.name] = parameter.tensor;
      stepper_.network().load(weights, options.init.string());
      optimizer_starts_from_network();
      const auto& info = start.plan.info;
      begun_from_ = fmt::format("{}, step {}, sha256 {}", start.plan.name,
                                info.count("step") > 0 ? info.at("step") : "unknown",
                                sha256_of_file(options.init).substr(0, 12));
    }
    agree_on_step();
    if (writes()) {
      folder_.create();
      // First of all a checkpoint: from here on this run can be resumed, whatever happens.
      if (!state) save();
      AtomicFile resolved(folder_.root() / "config.yaml");
      resolved.write(dump_config(config_));
      resolved.commit();
      journal_ = std::make_unique<Journal>(folder_.root() / "metrics.jsonl", step_);
      board_ = std::make_unique<TensorBoard>(folder_.root(), step_);
    }
    if (!state && config_.validation.every > 0) validate();
    stepper_.begin(step_);
    logged_at_ = std::chrono::steady_clock::now();
    logged_step_ = step_;
  }

  void resume(const StoredState& state) {
    if (!(state.checkpoint.plan.network == config_.plan.network)) {
      fail_input("{} is of another network than the config's; go on with the run's own config.yaml",
                 state.path.string());
    }
    stepper_.optimizer().load(state.checkpoint.tensors, state.path.string());
    step_ = state.step;
    const auto& text = state.checkpoint.state;
    if (text.count(kBest) > 0) best_ = std::stod(text.at(kBest));
    const auto& info = state.checkpoint.plan.info;
    if (info.count(kBegunFrom) > 0) begun_from_ = info.at(kBegunFrom);
    if (text.count(kConfig) > 0) warn_of_changes(text.at(kConfig));
    log_info("going on from {} at step {}", state.path.string(), step_);
  }

  // Lines of two configs correspond once both have all keys: an earlier version may have had fewer.
  void warn_of_changes(const std::string& before) const {
    std::istringstream old_lines(dump_config(parse_config(before, "the checkpoint's config"))),
        new_lines(dump_config(config_));
    for (std::string a, b; std::getline(old_lines, a) && std::getline(new_lines, b);) {
      const auto value = [](const std::string& line) { return line.substr(0, line.find('#')); };
      if (value(a) != value(b))
        log_warning("the config has changed since: '{}' was '{}'", value(b), value(a));
    }
  }

  // The average begins at the weights that were loaded.
  void optimizer_starts_from_network() {
    std::map<std::string, torch::Tensor> fresh;
    AdamW(stepper_.network(), config_.optimizer).save(fresh);
    stepper_.optimizer().load(fresh, "the network");
  }

  void agree_on_step() const {
    torch::Tensor steps = torch::zeros({2}, torch::kFloat64);
    steps[0] = static_cast<double>(step_);
    steps[1] = static_cast<double>(step_) * static_cast<double>(step_);
    group_.sum(steps);
    const double mean = steps[0].item<double>() / static_cast<double>(group_.size());
    if (steps[1].item<double>() / static_cast<double>(group_.size()) - mean * mean > 0.01) {
      fail_input("process {} would go on at step {}, others elsewhere: do all see the same folder {}?",
                 group_.rank(), step_, folder_.root().string());
    }
  }

  void log(const StepNumbers& numbers) {
    if (!writes()) return;
    const auto now = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(now - logged_at_).count() /
                           static_cast<double>(std::max<std::int64_t>(1, step_ - logged_step_));
    logged_at_ = now;
    logged_step_ = step_;
    const double hours = seconds * static_cast<double>(config_.optimizer.steps - step_) / 3600;
    log_info(
        "step {}/{}  loss {:.4f}  PSNR {:.2f} dB  gradient {:.2e}  lr {:.2e}  {:.2f} s a step, {:.1f} h left",
        step_, config_.optimizer.steps, numbers.loss, numbers.psnr, numbers.gradient_norm,
        numbers.learning_rate, seconds, hours);
    Record record{step_,
                  "train",
                  {{"loss", numbers.loss},
                   {"l1", numbers.l1},
                   {"ssim", numbers.ssim},
                   {"psnr", numbers.psnr},
                   {"gradient_norm", numbers.gradient_norm},
                   {"lr", numbers.learning_rate},
                   {"step_s", seconds},
                   {"samples_per_s", static_cast<double>(config_.optimizer.batch) / seconds}}};
    if (config_.loss.needs_maps()) {
      record.values.emplace_back("alpha", numbers.alpha);
      record.values.emplace_back("depth", numbers.depth);
    }
    add(std::move(record));
  }

  void add(Record record) {
    for (const auto& [name, value] : record.values)
      board_->scalar(record.kind + "/" + name, record.step, value);
    board_->flush();
    journal_->add(std::move(record));
  }

  // Held-out views by the averaged weights, the cases shared among the processes.
  void validate() {
    const at::NoGradGuard no_grad;
    const c10::OptionalDeviceGuard guard(
        stepper_.device().is_cuda() ? std::optional<torch::Device>(stepper_.device()) : std::nullopt);
    UNet3d network(config_.plan.network, 0);
    network.load(stepper_.optimizer().averaged(), "the averaged weights");
    network.to(stepper_.device());
    const CaseSet& cases = data_.validation.size() > 0 ? data_.validation : data_.train;
    torch::Tensor sums = torch::zeros({3}, torch::kFloat64);  // PSNR, SSIM, views
    for (std::int64_t i = group_.rank(); i < std::min(cases.size(), config_.validation.cases);
         i += group_.size()) {
      const TrainingSample sample = cases.load(i);
      const Pictures& held_out = sample.test.cameras.empty() ? sample.train : sample.test;
      const auto available = static_cast<std::int64_t>(held_out.cameras.size());
      const std::int64_t views = std::min(available, config_.validation.views);
      std::vector<Camera> cameras;
      std::vector<torch::Tensor> targets;
      for (std::int64_t v = 0; v < views; ++v) {
        cameras.push_back(held_out.cameras[static_cast<std::size_t>(v * available / views)]);
        targets.push_back(held_out.rgb[v * available / views]);
      }
      torch::Tensor target = torch::stack(targets);
      if (target.scalar_type() == torch::kUInt8) target = target.to(torch::kFloat32).div(255);
      const torch::Tensor raw = predict_raw(network, sample, stepper_.forward_options());
      const torch::Tensor rgb = draw(raw, sample, cameras).clamp(0, 1).to(torch::kCPU);
      const torch::Tensor psnr = psnr_db(rgb, target);
      sums[0] += psnr.sum();
      sums[1] += ssim(rgb, target).sum().to(torch::kFloat64);
      sums[2] += static_cast<double>(views);
      if (i == 0) write_pictures(sample.name, rgb, target, psnr);
    }
    group_.sum(sums);
    const double views = sums[2].item<double>();
    if (!writes() || views == 0) return;
    const double psnr = sums[0].item<double>() / views, similarity = sums[1].item<double>() / views;
    log_info("step {}: {} held-out views, PSNR {:.2f} dB, SSIM {:.4f}{}", step_, views, psnr, similarity,
             step_ == 0 ? " (the start that training is to improve on)" : "");
    add({step_, "validation", {{"psnr", psnr}, {"ssim", similarity}, {"views", views}}});
    if (step_ > 0 && psnr > best_) {
      best_ = psnr;
      folder_.save_best(checkpoint(), step_);
    }
  }

  // Left the path-traced pictures, right ours.
  void write_pictures(const std::string& name, const torch::Tensor& rgb, const torch::Tensor& target,
                      const torch::Tensor& psnr) {
    if (!writes()) return;
    std::vector<CaptionedImage> images;
    // Small pictures are enlarged, or their captions would not fit.
    const std::int64_t factor = std::max<std::int64_t>(1, 256 / rgb.size(3));
    const auto enlarged = [&](const torch::Tensor& picture) {
      return picture.repeat_interleave(factor, 1).repeat_interleave(factor, 2).contiguous();
    };
    for (std::int64_t v = 0; v < std::min<std::int64_t>(rgb.size(0), 4); ++v) {
      images.push_back({enlarged(target[v]), fmt::format("{} path-traced", name)});
      images.push_back({enlarged(rgb[v]), fmt::format("step {}, {:.2f} dB", step_, psnr[v].item<double>())});
    }
    const torch::Tensor sheet = contact_sheet(images, 2);
    const auto path = folder_.pictures() / fmt::format("step-{:08}.png", step_);
    const std::string png = encode_png(sheet);
    AtomicFile file(path);
    file.write(png);
    file.commit();
    board_->picture("validation/pictures", step_, sheet.size(2), sheet.size(1), png);
  }

  Checkpoint checkpoint() const {
    Checkpoint result;
    result.plan = config_.plan;
    result.plan.info = {{"step", std::to_string(step_)},
                        {"seed", std::to_string(config_.seed)},
                        {"data", std::filesystem::path(config_.data.folder).filename().string()},
                        {"commit", std::string(build_info().commit)}};
    if (!begun_from_.empty()) result.plan.info[kBegunFrom] = begun_from_;
    stepper_.optimizer().save(result.tensors);
    result.state[kConfig] = dump_config(config_);
    if (std::isfinite(best_)) result.state[kBest] = fmt::format("{}", best_);
    return result;
  }

  void save() {
    if (!writes()) return;
    folder_.save(checkpoint(), step_, config_.checkpoint.keep);
    if (journal_) write_curve(journal_->records(), config_.name, folder_.root() / "curve.svg");
  }

  const TrainConfig& config_;
  const TrainingData& data_;
  RunFolder folder_;
  ProcessGroup& group_;
  std::unique_ptr<FileLock> lock_;
  Stepper stepper_;
  std::unique_ptr<Journal> journal_;  // rank 0 alone
  std::unique_ptr<TensorBoard> board_;
  std::int64_t step_ = 0, logged_step_ = 0;
  std::string begun_from_;  ///< the checkpoint of --init; empty for a network that began at its seed
  double best_ = -std::numeric_limits<double>::infinity();
  std::chrono::steady_clock::time_point logged_at_;
};

}  // namespace

void run_training(const TrainConfig& config, const TrainingData& data, const RunOptions& options,
                  ProcessGroup& group) {
  const nn::TensorPoolScope pool;
  Run(config, data, options, group).run();
}

void benchmark_training(const TrainConfig& config, const TrainingData& data, std::int64_t steps,
                        ProcessGroup& group) {
  const nn::TensorPoolScope pool;
  constexpr std::int64_t kWarmUp = 2;
  Stepper stepper(config, data, group);
  stepper.begin(0);
  for (std::int64_t step = 0; step < kWarmUp; ++step) stepper.step(step, false, false, {});
  const StepTimes before = stepper.times();
  const auto start = std::chrono::steady_clock::now();
  const auto since = [](std::chrono::steady_clock::time_point then) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
  };
  for (std::int64_t step = kWarmUp; step < kWarmUp + steps; ++step) stepper.step(step, false, false, {});
  const double seconds = since(start);
  // What the network alone costs, on the last sample.
  const auto network_start = std::chrono::steady_clock::now();
  for (std::int64_t i = 0; i < 3; ++i) {
    predict_raw(stepper.network(), stepper.last_sample(), stepper.forward_options()).sum().backward();
  }
  const double network_s = since(network_start) / 3;
  if (group.rank() != 0) return;
  const StepTimes& t = stepper.times();
  const double per_sample = seconds / static_cast<double>(steps * (config.optimizer.batch / group.size()));
  fmt::print("samples per second: {:.3f} ({} processes, batch {}, {} views, {} Gaussians)\n",
             static_cast<double>(steps * config.optimizer.batch) / seconds, group.size(),
             config.optimizer.batch, config.optimizer.views, stepper.gaussians());
  const auto share = [&](const char* name, double now, double then) {
    fmt::print("  {:<22}{:>8.3f} s a step {:>6.1f} %\n", name, (now - then) / static_cast<double>(steps),
               100 * (now - then) / seconds);
  };
  share("waiting for samples", t.wait, before.wait);
  share("network", t.network, before.network);
  share("drawing", t.draw, before.draw);
  share("loss", t.loss, before.loss);
  share("backward", t.backward, before.backward);
  share("sum over processes", t.sum, before.sum);
  share("optimizer", t.optimizer, before.optimizer);
  fmt::print("a sample takes {:.2f} x the network's own forward and backward pass ({:.3f} s)\n",
             per_sample / network_s, network_s);
}

}  // namespace renderfm::train
