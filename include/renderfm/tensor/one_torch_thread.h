// Torch's operations on one thread, for as long as this stands.
#pragma once

#include <ATen/Parallel.h>

namespace renderfm {

/// For loops in which Torch does little beside our own threads: its OpenMP threads wait for their next
/// operation by spinning, and so take the cores from ours (on 2 cores, small optimisation steps took three
/// times as long).
class OneTorchThread {
 public:
  OneTorchThread() : before_(at::get_num_threads()) { at::set_num_threads(1); }
  ~OneTorchThread() { at::set_num_threads(before_); }
  OneTorchThread(const OneTorchThread&) = delete;
  OneTorchThread& operator=(const OneTorchThread&) = delete;

 private:
  int before_;
};

}  // namespace renderfm
