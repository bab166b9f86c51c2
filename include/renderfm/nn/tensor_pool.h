// Reuse of the memory of large CPU tensors, within one forward pass or over the steps of a training.
#pragma once

namespace renderfm::nn {

/// While one lives, the memory of large CPU tensors that are freed is kept for the next of like size; the
/// last one to go gives it back. A U-Net otherwise takes gigabytes of fresh pages from the system in every
/// pass, and the system's zeroing of them costs as much time as the convolutions do.
class TensorPoolScope {
 public:
  TensorPoolScope();
  ~TensorPoolScope();
  TensorPoolScope(const TensorPoolScope&) = delete;
  TensorPoolScope& operator=(const TensorPoolScope&) = delete;
};

}  // namespace renderfm::nn
