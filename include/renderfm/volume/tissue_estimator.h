// The fallback where no labels are given: tissues from Hounsfield units and shape, with classical ITK
// filters.
#pragma once

#include "renderfm/volume/volume.h"

namespace renderfm {

/// Labels of estimated tissues. Above TotalSegmentator's 117, so that both live in one map.
enum class Tissue : std::uint8_t {
  kLung = 201,        ///< "lung"
  kBone = 202,        ///< "bone"
  kVessel = 203,      ///< "vessel": contrast-filled vessels and heart
  kSoftTissue = 204,  ///< "soft_tissue"
  kFat = 205,         ///< "fat"
  kSkin = 206,        ///< "skin"
  kAirway = 207,      ///< "airway": air inside the body that is not lung (trachea, bowel gas)
};

/// Every voxel of the body gets a tissue; air, table and clothes around it get 0.
LabelVolume estimate_tissues(const CtVolume& ct);

/// Fills the unlabelled voxels of `labels` with estimated tissues. Where the map already names members of
/// skeleton, lungs or vessels, what the estimator calls bone, lung or vessel becomes soft tissue.
LabelVolume complete_labels(const LabelVolume& labels, const LabelVolume& tissues);

}  // namespace renderfm
