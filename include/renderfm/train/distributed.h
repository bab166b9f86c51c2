// Several processes that train one network: who takes part, sums over all of them, and gradients that are
// summed while the backward pass still runs.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "renderfm/nn/unet3d.h"

namespace renderfm::train {

/// Where this process stands among the others.
struct Membership {
  std::int64_t rank = 0, size = 1, local_rank = 0;
  std::string master = "127.0.0.1";
  int port = 0;
  std::int64_t attempt = 0;  ///< restarts by the launcher: they must not read each other's words in the store
  bool join_store = false;   ///< the launcher itself keeps the store: rank 0 is no server
  std::string launcher = "one process";
};

/// From torchrun's variables, else from those of a Slurm step, else alone. `get` is std::getenv. Throws
/// kBadInput for variables that contradict each other.
Membership membership_from(const std::function<const char*(const char*)>& get);

/// "node[03-05,9],gpu1" -> "node03".
std::string first_host(const std::string& slurm_node_list);

class ProcessGroup {
 public:
  /// Waits until all processes are there. Throws kRuntime after `timeout_s`.
  ProcessGroup(const Membership& membership, std::int64_t timeout_s);
  ~ProcessGroup();
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;

  std::int64_t rank() const { return membership_.rank; }
  std::int64_t size() const { return membership_.size; }
  const Membership& membership() const { return membership_; }

  /// Where the gradients will lie. On GPUs starts NCCL, where the build has it, and says so where it has not;
  /// every process must call it. Throws kRuntime where NCCL does not start.
  void use(torch::Device device);
  /// True where start_sum takes CUDA tensors too.
  bool sums_on_gpu() const;

  /// Starts to sum a contiguous tensor over all processes, in place; call what is returned to wait for it.
  /// Every process must start the same sums in the same order. Throws kRuntime when another one is lost.
  std::function<void()> start_sum(torch::Tensor tensor);
  void sum(torch::Tensor tensor) { start_sum(std::move(tensor))(); }
  void wait_for_all();

 private:
  struct Impl;
  Membership membership_;
  std::unique_ptr<Impl> impl_;
};

/// Sums gradients over all processes in buckets of a few MB, last layers first: each bucket travels as soon
/// as the backward pass has filled it.
class GradientBuckets {
 public:
  static constexpr std::int64_t kBucketBytes = 4 << 20;

  /// Over the parameters that require gradients. Both must outlive the buckets. With one process nothing
  /// happens.
  GradientBuckets(const UNet3d& network, ProcessGroup& group, std::int64_t bucket_bytes = kBucketBytes);
  ~GradientBuckets();
  GradientBuckets(const GradientBuckets&) = delete;
  GradientBuckets& operator=(const GradientBuckets&) = delete;

  /// Call before the last backward pass of a step: its gradients are then final.
  void start();
  /// Call after it: waits, and leaves the sums in the parameters' gradients.
  void finish();
  std::int64_t count() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace renderfm::train
