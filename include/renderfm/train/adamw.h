// AdamW (Loshchilov and Hutter 2019) with clipping by the global norm and an average of the weights.
#pragma once

#include <torch/types.h>

#include <map>
#include <string>
#include <vector>

#include "renderfm/nn/unet3d.h"
#include "renderfm/train/config.h"

namespace renderfm::train {

class AdamW {
 public:
  /// The network's parameters start to require gradients, but for biases that a norm takes away again.
  AdamW(UNet3d& network, const OptimizerConfig& config);

  void zero_gradients();
  /// Norm of the whole gradient before clipping. Missing gradients count as zero.
  double gradient_norm() const;
  /// One step with the gradients scaled so that their norm is at most clip_norm; `norm` as from
  /// gradient_norm(), `step` counts from 0.
  void step(double learning_rate, std::int64_t step, double norm);

  /// The averaged weights, or the network's own where there is no average: what inference reads.
  std::map<std::string, torch::Tensor> averaged() const;

  /// Sections "adam_mean/", "adam_square/", "live/" (the network's own weights) and "weights/" (averaged).
  void save(std::map<std::string, torch::Tensor>& tensors) const;
  /// Throws kBadInput where a tensor is missing or of another shape.
  void load(const std::map<std::string, torch::Tensor>& tensors, const std::string& source);

 private:
  struct Slot {
    std::string name;
    torch::Tensor weight, mean, square, average;
    double decay;
  };
  std::vector<Slot> slots_;
  OptimizerConfig config_;
};

}  // namespace renderfm::train
