// Scans in: NIfTI, NRRD, MetaImage, a DICOM folder or zip. NIfTI out. Units to mm, axes to LPS and values to
// HU happen here and nowhere else.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "renderfm/volume/scan_report.h"
#include "renderfm/volume/volume.h"

namespace renderfm {

struct ReadOptions {
  std::string series;       ///< DICOM SeriesInstanceUID or its number in the list; "" takes the largest CT
  int time_point = -1;      ///< of a 4D scan; -1 takes the first and says so
  bool allow_gaps = false;  ///< accept gaps between slices of more than 1.5 times the spacing
  bool allow_other_modality = false;  ///< accept DICOM that does not say it is CT
};

/// One choosable DICOM series.
struct SeriesInfo {
  std::string uid, description, modality;
  int slices = 0;
  std::int64_t rows = 0, columns = 0;
  double spacing_mm = 0;  ///< between slices
  bool usable = true;     ///< false for localisers, reports and single images
  std::string why_not;
};

/// Reads one CT as HU on the scan's own, orthonormal grid (any axis order, oblique allowed). Repairs go to
/// `report`. Throws kBadInput with one sentence.
CtVolume read_ct(const std::filesystem::path& path, const ReadOptions& options, ScanReport& report);

/// The series of a DICOM folder or zip, the default choice first.
std::vector<SeriesInfo> list_series(const std::filesystem::path& path);

/// Reads an image of whole numbers on its own grid, without names; for labels. Throws kBadInput where a value
/// is not a whole number in [0, 255].
LabelVolume read_label_image(const std::filesystem::path& path, ScanReport& report);

/// Writes .nii.gz or .nii (sform and qform set, atomic). Label names go into a NIfTI extension as
/// TotalSegmentator writes them.
void write_nifti(const CtVolume& volume, const std::filesystem::path& path);
void write_nifti(const LabelVolume& volume, const std::filesystem::path& path);

}  // namespace renderfm
