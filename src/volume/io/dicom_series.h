// Slices grouped into the series that a user can choose from.
#pragma once

#include <vector>

#include "dicom_header.h"
#include "renderfm/volume/image_io.h"

namespace renderfm {

/// One volume, its slices ordered along the normal; no two at the same place.
using SliceStack = std::vector<DicomSlice>;

struct DicomSeries {
  SeriesInfo info;
  std::vector<SliceStack> time_points;  ///< at least one; several where volumes share their positions
  std::string time_key;                 ///< what tells them apart: "acquisition number"
  std::size_t duplicates = 0;           ///< slices dropped because another has their place
  bool axial = false, primary = false;
};

/// Series by SeriesInstanceUID, orientation, matrix and pixel spacing; the default choice first: usable,
/// primary before derived, axial before others, then the one with most voxels.
std::vector<DicomSeries> group_series(const std::vector<DicomSlice>& slices, bool allow_other_modality);

/// Along which slices are ordered: row axis x column axis.
Vec3d slice_normal(const DicomSlice& slice);

/// Median distance of neighbouring slices along the normal; 0 for fewer than two.
double median_gap_mm(const SliceStack& stack);

}  // namespace renderfm
