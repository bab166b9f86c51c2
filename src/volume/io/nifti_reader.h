// NIfTI in: .nii, .nii.gz, .hdr with .img.
#pragma once

#include <filesystem>

#include "raw_image.h"
#include "renderfm/volume/scan_report.h"

namespace renderfm {

/// Reads one time point (< 0: the first, reported). Throws kBadInput for a file that is no NIfTI or ends
/// early.
RawImage read_nifti(const std::filesystem::path& path, int time_point, ScanReport& report);

}  // namespace renderfm
