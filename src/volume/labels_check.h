// Whether labels belong to a scan: by where the grids lie, and by whether organs have the density, the side
// and the order that their names say.
#pragma once

#include <map>
#include <string>

#include "renderfm/volume/scan_report.h"
#include "renderfm/volume/volume.h"

namespace renderfm {

using LabelNames = std::map<std::uint8_t, std::string>;

/// Where the voxels of one label lie and what the CT says there.
struct LabelStatistics {
  std::int64_t count = 0;
  double mean_hu = 0;
  double air_fraction = 0;  ///< of voxels under -900 HU
  Vec3d centroid_mm{0, 0, 0};
};

/// Per label that occurs. Both volumes share one grid.
std::map<std::uint8_t, LabelStatistics> label_statistics(const LabelVolume& labels, const CtVolume& ct);

/// What anatomy says about giving these names to these labels.
struct AnatomyVote {
  int tested = 0;
  int contradicted = 0;
  std::string example;  ///< the first contradiction, as a clause
};

/// Tests the mean density of lungs, bones and solid organs, that left organs lie left of right ones, and that
/// vertebrae follow one another. Labels of fewer than 50 voxels take no part.
AnatomyVote vote_on_anatomy(const std::map<std::uint8_t, LabelStatistics>& statistics,
                            const LabelNames& names);

/// Brings `labels` onto the grid of `ct`: as they are, resampled and reported, or kBadInput naming `what`
/// where the two cannot be of one scan.
LabelVolume fit_to_grid(LabelVolume labels, const CtVolume& ct, const std::string& what, ScanReport& report);

/// Throws kBadInput where labels that are already on the grid of `ct` lie in air or contradict anatomy.
void check_same_patient(const LabelVolume& labels, const CtVolume& ct, const std::string& what,
                        ScanReport& report);

}  // namespace renderfm
