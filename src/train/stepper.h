// One optimizer step: samples through the network and the rasterizer, loss, gradients, AdamW.
#pragma once

#include <array>
#include <chrono>
#include <filesystem>
#include <memory>

#include "renderfm/train/adamw.h"
#include "renderfm/train/forward.h"
#include "renderfm/train/loader.h"
#include "renderfm/train/trainer.h"

namespace renderfm::train {

/// Seconds by part of a step.
struct StepTimes {
  double wait = 0, network = 0, draw = 0, loss = 0, backward = 0, sum = 0, optimizer = 0;
};

/// Means over the samples of a step, of all processes.
struct StepNumbers {
  double loss = 0, l1 = 0, ssim = 0, psnr = 0;
  double alpha = 0, depth = 0;  ///< errors of the maps, where the loss needs them
  double gradient_norm = 0, learning_rate = 0;
  bool stop = false, save = false;  ///< a signal reached any process
};

class Stepper {
 public:
  /// `config` is finished; all references must outlive the stepper.
  Stepper(const TrainConfig& config, const TrainingData& data, ProcessGroup& group);

  /// Starts the loader at this step.
  void begin(std::int64_t step);
  /// `stop` and `save` are what this process was asked for. A sample whose loss is no number is left in
  /// `dump_folder`, where there is one.
  StepNumbers step(std::int64_t step, bool stop, bool save, const std::filesystem::path& dump_folder);

  UNet3d& network() { return network_; }
  AdamW& optimizer() { return optimizer_; }
  const AdamW& optimizer() const { return optimizer_; }
  const ForwardOptions& forward_options() const { return forward_; }
  torch::Device device() const { return device_; }
  const StepTimes& times() const { return times_; }
  std::int64_t gaussians() const { return gaussians_; }  ///< of the last sample
  const TrainingSample& last_sample() const { return last_; }

 private:
  class Timer;
  TrainingSample make(std::int64_t number);
  void check_memory(const TrainingSample& sample);
  [[noreturn]] void fail_not_finite(const char* what, std::int64_t step,
                                    const std::filesystem::path& dump_folder) const;

  const TrainConfig& config_;
  const TrainingData& data_;
  ProcessGroup& group_;
  torch::Device device_;
  UNet3d network_;
  AdamW optimizer_;
  GradientBuckets buckets_;
  ForwardOptions forward_;
  std::int64_t samples_a_step_;  // of this process
  std::unique_ptr<Loader> loader_;
  StepTimes times_;
  TrainingSample last_;
  std::int64_t gaussians_ = 0;
  bool memory_checked_ = false;
};

}  // namespace renderfm::train
