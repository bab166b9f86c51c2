// Pictures one after the other as an .mp4, encoded by the ffmpeg that this machine has.
#pragma once

#include <torch/types.h>

#include <filesystem>

#include "renderfm/core/atomic_file.h"

namespace renderfm::tools {

class Film {
 public:
  /// Throws kBadInput where there is no ffmpeg to be found, or where the size is odd, which H.264 cannot
  /// keep.
  Film(const std::filesystem::path& out, int width, int height, int frames_per_second);
  ~Film();
  Film(const Film&) = delete;
  Film& operator=(const Film&) = delete;

  /// `srgb` [3, H, W], display-referred. Throws kRuntime where ffmpeg has stopped.
  void add(const torch::Tensor& srgb);
  /// Throws kRuntime where ffmpeg failed; before it nothing stands at `out`.
  void finish();

  /// Throws what the constructor would throw, before long work starts.
  static void check(const std::filesystem::path& out, int width, int height);

 private:
  AtomicFile file_;
  int width_, height_, process_ = -1, pipe_ = -1;

  [[noreturn]] void fail_stopped();
};

}  // namespace renderfm::tools
