// Quantum noise as filtered back-projection and a reconstruction kernel leave it.
#pragma once

#include <cstdint>
#include <vector>

#include "renderfm/volume/phantom_traits.h"

namespace renderfm::phantom {

/// What a kernel does to edges and noise. Its blur is the standard deviation of its point spread in the
/// plane.
struct KernelFacts {
  float blur_mm;
  float noise_gain;    ///< standard deviation relative to the standard kernel at the same dose
  float edge_gain;     ///< overshoot: the share of a voxel's difference to its four neighbours' mean added
  float edge_ramp_mm;  ///< width of an edge beyond the voxel's own
};
KernelFacts kernel_facts(ReconstructionKernel kernel);

/// Slices of unit variance whose spectrum rises from nearly 0 at frequency 0 (the ramp filter) to a peak and
/// falls with the kernel's blur. Neighbouring slices share a part of their rays.
class ScanNoise {
 public:
  ScanNoise(std::uint64_t seed, ReconstructionKernel kernel, double spacing_mm, std::int64_t height,
            std::int64_t width);
  /// `slice` [height, width]; consecutive slices are cheapest.
  const std::vector<float>& slice(std::int64_t k);

 private:
  void plane(std::int64_t k, std::vector<float>& out);
  std::uint64_t seed_;
  std::int64_t height_, width_;
  std::vector<float> narrow_, wide_;  // weights at distances 0, 1, ...
  float gain_ = 1;
  std::int64_t at_ = -2;
  std::vector<float> here_, above_, sum_, raw_, rows_narrow_, rows_wide_;
};

}  // namespace renderfm::phantom
