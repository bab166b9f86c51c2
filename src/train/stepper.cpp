#include "train/stepper.h"

#include <ATen/Context.h>
#include <ATen/DeviceGuard.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cmath>
#include <mutex>
#include <utility>

#include "renderfm/core/check.h"
#include "renderfm/core/log.h"
#include "renderfm/core/memory.h"
#include "renderfm/image/psnr.h"
#include "renderfm/nn/device.h"
#include "renderfm/train/losses.h"
#include "renderfm/train/sample_order.h"
#include "renderfm/train/schedule.h"

namespace renderfm::train {
namespace {

torch::Device device_for(const TrainConfig& config, const ProcessGroup& group) {
  torch::Device device = pick_device(config.device);
  if (device.is_cuda()) {
    // Slurm may show each process its own GPU alone.
    const auto gpus = static_cast<std::int64_t>(at::getNumGPUs());
    device = {torch::kCUDA, static_cast<c10::DeviceIndex>(group.membership().local_rank % gpus)};
  }
  return device;
}

UNet3d on_device(UNet3d network, torch::Device device) {
  network.to(device);
  return network;
}

double gib(std::int64_t bytes) { return static_cast<double>(bytes) / (1024.0 * 1024.0 * 1024.0); }

}  // namespace

// Adds the time since it was made, or since the last lap, to a part.
class Stepper::Timer {
 public:
  void lap(double& part) {
    const auto now = std::chrono::steady_clock::now();
    part += std::chrono::duration<double>(now - last_).count();
    last_ = now;
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

Stepper::Stepper(const TrainConfig& config, const TrainingData& data, ProcessGroup& group)
    : config_(config),
      data_(data),
      group_(group),
      device_(device_for(config, group)),
      network_(on_device(UNet3d(config.plan.network, config.seed), device_)),
      optimizer_(network_, config.optimizer),
      buckets_(network_, group),
      samples_a_step_(config.optimizer.batch / group.size()) {
  if (config.optimizer.batch % group.size() != 0) {
    fail_input("optimizer.batch is {}, which {} processes cannot share evenly; set a multiple of {}",
               config.optimizer.batch, group.size(), group.size());
  }
  if (data.train.size() == 0) fail_input("the data set has no training cases");
  group.use(device_);
  forward_.bf16 = config.precision == "bf16" || (config.precision == "auto" && device_.is_cuda());
  forward_.view_dependent = config.view_dependent;
  forward_.least_sigma_voxels = config.plan.least_sigma_voxels;
  if (forward_.bf16 && device_.is_cpu()) {
    log_warning("bf16 convolutions on a CPU may run a thousand times slower than float32 ones");
  }
}

void Stepper::begin(std::int64_t step) {
  loader_ = std::make_unique<Loader>(
      [this, step](std::int64_t k) {
        return make((step + k / samples_a_step_) * config_.optimizer.batch + group_.rank() +
                    k % samples_a_step_ * group_.size());
      },
      config_.data.workers, config_.data.prefetch);
}

TrainingSample Stepper::make(std::int64_t number) {
  SampleOrder order(config_.seed, data_.train.size());
  const Turn turn = order.at(number);
  return draw_sample(data_.train.load(turn.index), config_.optimizer.views, config_.augment,
                     config_.plan.hu_scale, turn.seed);
}

void Stepper::check_memory(const TrainingSample& sample) {
  if (std::exchange(memory_checked_, true)) return;
  const std::array<std::int64_t, 3> sides{sample.input.size(1), sample.input.size(2), sample.input.size(3)};
  const std::int64_t needed = predicted_bytes(config_.plan.network, sides, forward_.bf16);
  log_info("{} weights; a sample of {}x{}x{} voxels and {} Gaussians takes about {:.2f} GiB",
           network_.parameter_count(), sides[0], sides[1], sides[2], sample.voxels.numel(), gib(needed));
  if (device_.is_cpu() && needed > available_memory_bytes()) {
    fail_runtime(
        "training on {}x{}x{} voxels takes about {:.1f} GiB, and {:.1f} GiB are left; prepare smaller boxes "
        "(renderfm-prepare --crop) or set fewer plan.network.base_features",
        sides[0], sides[1], sides[2], gib(needed), gib(available_memory_bytes()));
  }
}

void Stepper::fail_not_finite(const char* what, std::int64_t step,
                              const std::filesystem::path& dump_folder) const {
  std::string where;
  if (!dump_folder.empty()) {
    const auto path =
        dump_folder / fmt::format("not-finite-step-{:08}-process-{}.safetensors", step, group_.rank());
    Checkpoint dump;
    dump.plan = config_.plan;
    put_weights(dump, network_);
    dump.tensors["sample/input"] = last_.input;
    dump.tensors["sample/voxels"] = last_.voxels;
    dump.tensors["sample/start"] = last_.start;
    dump.tensors["sample/position_mm"] = last_.position_mm;
    dump.tensors["sample/rgb"] = last_.train.rgb;
    if (config_.loss.needs_maps()) {
      dump.tensors["sample/alpha"] = last_.train.alpha;
      dump.tensors["sample/depth_mm"] = last_.train.depth_mm;
    }
    dump.state["case"] = last_.name;
    save_checkpoint(path, dump);
    where = fmt::format("; weights and sample are in {}", path.string());
  }
  fail_runtime("the {} is not a number at step {}, case {}{}; look at the case, or lower optimizer.lr", what,
               step, last_.name, where);
}

StepNumbers Stepper::step(std::int64_t step, bool stop, bool save, const std::filesystem::path& dump_folder) {
  const c10::OptionalDeviceGuard guard(device_.is_cuda() ? std::optional<torch::Device>(device_)
                                                         : std::nullopt);
  RFM_CHECK(loader_ != nullptr, "the stepper was not begun");
  std::array<double, 8> sums{0, 0, 0, 0, 0, 0, stop ? 1.0 : 0.0, save ? 1.0 : 0.0};
  const double share = 1.0 / static_cast<double>(config_.optimizer.batch);
  optimizer_.zero_gradients();
  Timer timer;
  for (std::int64_t n = 0; n < samples_a_step_; ++n) {
    last_ = loader_->next();
    check_memory(last_);
    timer.lap(times_.wait);
    const torch::Tensor raw = predict_raw(network_, last_, forward_);
    gaussians_ = raw.size(0);
    timer.lap(times_.network);
    const raster::RenderOutput drawn = draw_all(raw, last_, last_.train.cameras);
    timer.lap(times_.draw);
    const torch::Tensor target = last_.train.rgb.to(device_);
    const ImageLoss loss = image_loss(drawn.rgb, target, config_.loss);
    torch::Tensor total = loss.total;
    if (config_.loss.needs_maps()) {
      const MapLoss maps = map_loss(drawn.alpha, drawn.depth, last_.train.alpha.to(device_),
                                    last_.train.depth_mm.to(device_), last_.radius_mm, config_.loss);
      total = total + maps.total;
      sums[4] += maps.alpha.item<double>() * share;
      sums[5] += maps.depth.item<double>() * share;
    }
    const double value = total.item<double>();
    if (!std::isfinite(value)) fail_not_finite("loss", step, dump_folder);
    sums[0] += value * share;
    sums[1] += loss.l1.item<double>() * share;
    sums[2] += loss.ssim.item<double>() * share;
    sums[3] += psnr_db(drawn.rgb.detach().clamp(0, 1), target).mean().item<double>() * share;
    timer.lap(times_.loss);
    if (n + 1 == samples_a_step_) buckets_.start();
    (total * share).backward();
    timer.lap(times_.backward);
  }
  buckets_.finish();
  torch::Tensor all =
      torch::from_blob(sums.data(), {static_cast<std::int64_t>(sums.size())}, torch::kFloat64);
  group_.sum(all);
  timer.lap(times_.sum);
  StepNumbers numbers{sums[0], sums[1], sums[2], sums[3], sums[4], sums[5]};
  numbers.stop = sums[6] > 0;
  numbers.save = sums[7] > 0;
  numbers.gradient_norm = optimizer_.gradient_norm();
  if (!std::isfinite(numbers.gradient_norm)) fail_not_finite("gradient", step, dump_folder);
  numbers.learning_rate = learning_rate(config_.optimizer, step);
  optimizer_.step(numbers.learning_rate, step, numbers.gradient_norm);
  timer.lap(times_.optimizer);
  return numbers;
}

}  // namespace renderfm::train
