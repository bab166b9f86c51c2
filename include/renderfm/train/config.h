// Every setting of a training run, with its default: the only place where one is written. YAML and --set may
// only override; configs/default.yaml is what dump_config writes of the defaults (a test keeps them equal).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "renderfm/model/checkpoint.h"

namespace renderfm::train {

struct DataConfig {
  std::string folder;         ///< data set of renderfm-prepare
  std::int64_t workers = 2;   ///< loader threads of each process
  std::int64_t prefetch = 4;  ///< samples each process holds ready
  double cache_gib = 4;       ///< memory of each process for cases that were read already
};

struct OptimizerConfig {
  std::int64_t steps = 20000;
  std::int64_t batch = 2;  ///< samples a step, over all processes
  std::int64_t views = 4;  ///< pictures of each sample
  double lr = 3e-4;        ///< at its height
  std::int64_t warmup_steps = 500;
  double final_lr_share = 0.01;  ///< of lr, where the cosine ends
  double weight_decay = 0.01;
  double beta1 = 0.9, beta2 = 0.99, epsilon = 1e-8;
  double clip_norm = 1;      ///< of the whole gradient
  double ema_decay = 0.999;  ///< of the averaged weights, which inference reads; 0: the last ones
};

struct LossConfig {
  double l1 = 0.8, ssim = 0.2;
  double alpha = 0, depth = 0;  ///< need cases with maps (renderfm-prepare --maps)

  bool needs_maps() const { return alpha > 0 || depth > 0; }
};

struct AugmentConfig {
  bool flips = true;  ///< of volume, cameras and pictures; only under light that is the same from all sides
  bool rotations = true;  ///< by quarter turns about any axis; likewise
  double hu_shift = 10;   ///< standard deviation, one number for a sample: scanners differ
  double hu_noise = 10;   ///< standard deviation, for each voxel
};

struct ValidationConfig {
  std::int64_t every = 500;  ///< steps; 0: never
  std::int64_t cases = 4;    ///< of the validation split; training cases' held-out views where there is none
  std::int64_t views = 4;    ///< held-out views of each
};

struct CheckpointConfig {
  std::int64_t every = 500;  ///< steps
  std::int64_t keep = 2;     ///< newest ones
};

struct TrainConfig {
  std::string name = "unnamed";  ///< written into Gaussian files
  std::uint64_t seed = 1;
  std::string device = "auto";     ///< auto, cpu or cuda
  std::string precision = "auto";  ///< of the network: bf16 on a GPU, float32 on a CPU
  bool view_dependent = true;    ///< false: no learned dependence on the direction (degree 1 SH, mu_d, A, B)
  std::int64_t log_every = 10;   ///< steps
  std::int64_t timeout_s = 600;  ///< after which a silent process counts as lost
  DataConfig data;
  Plan plan;  ///< `stages` 0: as many as the patch can be halved
  OptimizerConfig optimizer;
  LossConfig loss;
  AugmentConfig augment;
  ValidationConfig validation;
  CheckpointConfig checkpoint;

  TrainConfig() { plan.network.stages = 0; }
  /// Settles `stages` and throws kBadInput for values that cannot be.
  void finish();
};

/// Reads the file over the defaults, then "key.sub=value" assignments. Throws kBadInput naming the nearest
/// key for one that does not exist. Not finished.
TrainConfig load_config(const std::filesystem::path& path, const std::vector<std::string>& assignments);
/// The same from YAML text that `name` stands for in messages.
TrainConfig parse_config(const std::string& text, const std::string& name,
                         const std::vector<std::string>& assignments = {});

/// YAML that parse_config reads back, every key with a comment.
std::string dump_config(const TrainConfig& config);

}  // namespace renderfm::train
