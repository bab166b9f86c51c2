// A procedural torso: CT and labels from a seed, for demos, tests and training where no scan is at hand.
#pragma once

#include <cstdint>

#include "renderfm/volume/phantom_traits.h"
#include "renderfm/volume/volume.h"

namespace renderfm {

struct PhantomOptions {
  std::uint64_t seed =
      1;  ///< the anatomy's free variation; the same seed is the same patient at every spacing
  double spacing_mm = 1.5;
  bool contrast = true;       ///< false takes the contrast agent out, whatever the traits' phase
  PhantomTraits traits = {};  ///< a healthy man; sample_phantom_traits(seed) for one of a population
};

struct Phantom {
  CtVolume ct;
  /// TotalSegmentator v2 names; fat, muscle, unnamed vessels and skin by the tissue estimator's names. A
  /// lesion has its organ's label (a renal cyst its own, kidney_cyst_*); pleural fluid is soft tissue, as
  /// complete_labels() makes of it on a real scan.
  LabelVolume labels;
};

/// Throws kBadInput naming the value that cannot be.
void check_phantom_options(const PhantomOptions& options);

/// Deterministic for any thread count.
Phantom make_phantom(const PhantomOptions& options);

}  // namespace renderfm
