// What a method is given of a scan instead of all that there is: labels that are wrong or missing, noise,
// coarser voxels. The views that judge it stay those of the true scan.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "renderfm/data/case.h"
#include "renderfm/volume/scene.h"

namespace renderfm {

enum class Variant {
  kNone,           ///< the case as it is
  kLabelsNone,     ///< tissues are estimated, as for a scan without labels
  kLabelsEroded,   ///< every organ loses its outermost voxels
  kLabelsDilated,  ///< every organ gains a voxel all around, at the cost of tissues and of what has no label
  kLabelsMissing,  ///< a third of the organs are not labelled
  kSpacing15,      ///< the case's volume resampled to 1.5 mm
  kSpacing3,       ///< to 3 mm
  kNoise,          ///< white noise of 25 HU on every voxel
};

/// "labels-none", "labels-eroded", "labels-dilated", "labels-missing", "spacing-1.5", "spacing-3", "noise".
std::string variant_name(Variant variant);
/// One phrase for the report.
std::string variant_meaning(Variant variant);
/// Throws kBadInput listing them.
Variant parse_variant(const std::string& name);
/// All but kNone.
std::vector<Variant> all_variants();

/// False where the variant would be the case itself: a spacing that is not coarser than the case's, whose
/// volume holds nothing finer to take up, and labels of a case whose labels are all estimated.
bool applies(Variant variant, const data::CaseInfo& info);

/// The box of the case as the method sees it. A voxel that lost its organ becomes what the tissue estimator
/// calls it, as where a user's labels leave it open. Deterministic in `seed`.
Scene scene_of(const data::Case& content, Variant variant, std::uint64_t seed);

}  // namespace renderfm
