// The folder of a run and its checkpoints:
//
//   config.yaml                       the resolved config
//   checkpoints/step-00001000.safetensors   the newest ones; renderfm-infer --model reads each
//   checkpoints/best.safetensors      of the highest validation PSNR
//   .lock                             held by the process that trains here
//   metrics.jsonl, events.out.tfevents.*, curve.svg, pictures/step-00001000.png
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "renderfm/core/file_lock.h"
#include "renderfm/model/checkpoint.h"

namespace renderfm::train {

struct StoredState {
  std::filesystem::path path;
  Checkpoint checkpoint;
  std::int64_t step = 0;  ///< steps that were done
};

class RunFolder {
 public:
  explicit RunFolder(std::filesystem::path root) : root_(std::move(root)) {}

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path checkpoints() const { return root_ / "checkpoints"; }
  std::filesystem::path pictures() const { return root_ / "pictures"; }

  /// Makes the folder and takes it: no other process may while the result lives. Waits up to `patience` for
  /// one that is about to end. Throws kBadInput naming the process that keeps it.
  std::unique_ptr<FileLock> take(std::chrono::milliseconds patience) const;

  /// True where a run began here, whether or not it can go on.
  bool has_run() const;
  /// Makes the folders. Throws kBadInput where that is not allowed.
  void create() const;

  /// Writes step-N with state "step", and removes all but the newest `keep`. Throws kRuntime on a full disk;
  /// what was there before stays.
  void save(Checkpoint checkpoint, std::int64_t step, std::int64_t keep) const;
  void save_best(Checkpoint checkpoint, std::int64_t step) const;

  /// The newest checkpoint that can be read, warning of each damaged one; none where no run began here.
  /// Throws kBadInput where a run began but nothing of it can be read: it never starts anew in silence.
  std::optional<StoredState> newest() const;

 private:
  std::vector<std::filesystem::path> stored() const;  // newest first
  std::filesystem::path root_;
};

/// A checkpoint of a training run. Throws kBadInput where it holds no state of one.
StoredState load_state(const std::filesystem::path& path);

}  // namespace renderfm::train
