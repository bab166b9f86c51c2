// The loop of training, over whatever gives it samples.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "renderfm/train/config.h"
#include "renderfm/train/distributed.h"
#include "renderfm/train/training_sample.h"

namespace renderfm::train {

/// Cases by number; `load` may be called from several threads.
struct CaseSet {
  std::vector<std::string> names;
  std::function<TrainingSample(std::int64_t)> load;  ///< whole, as it lies in the patient
  std::int64_t size() const { return static_cast<std::int64_t>(names.size()); }
};

struct TrainingData {
  CaseSet train, validation;
};

struct RunOptions {
  std::filesystem::path out;   ///< the run's folder
  std::string resume;          ///< "": anew; "auto": go on where `out` stands; else a checkpoint
  std::filesystem::path init;  ///< start from these weights
};

/// Trains to the end of the config's schedule. SIGTERM and Ctrl-C save and throw kRuntime, SIGUSR1 saves.
/// Throws kBadInput for a folder, checkpoint or case that will not do, kRuntime where the loss is no number,
/// naming the case and leaving it beside the run.
void run_training(const TrainConfig& config, const TrainingData& data, const RunOptions& options,
                  ProcessGroup& group);

/// Runs `steps` steps without leaving anything behind and prints samples per second and where the time goes.
void benchmark_training(const TrainConfig& config, const TrainingData& data, std::int64_t steps,
                        ProcessGroup& group);

}  // namespace renderfm::train
