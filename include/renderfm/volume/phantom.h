// A procedural torso: CT and labels from a seed, for demos, tests and training where no scan is at hand.
#pragma once

#include <cstdint>

#include "renderfm/volume/volume.h"

namespace renderfm {

struct PhantomOptions {
  std::uint64_t seed = 1;  ///< the anatomy; the same seed is the same patient at every spacing
  double spacing_mm = 1.5;
  bool contrast = true;  ///< contrast agent in heart, aorta and veins
  double noise_hu = 12;  ///< standard deviation at 1.5 mm; 0 for none
};

struct Phantom {
  CtVolume ct;
  LabelVolume labels;  ///< TotalSegmentator v2 names; fat, muscle and skin by the tissue estimator's names
};

/// Throws kBadInput naming the value that cannot be.
void check_phantom_options(const PhantomOptions& options);

/// Deterministic for any thread count.
Phantom make_phantom(const PhantomOptions& options);

}  // namespace renderfm
