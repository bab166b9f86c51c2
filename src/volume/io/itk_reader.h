// NRRD and MetaImage in, through ITK.
#pragma once

#include <filesystem>

#include "file_format.h"
#include "raw_image.h"
#include "renderfm/volume/scan_report.h"

namespace renderfm {

/// Reads one time point (< 0: the first, reported). Throws kBadInput.
RawImage read_with_itk(const std::filesystem::path& path, FileFormat format, int time_point,
                       ScanReport& report);

}  // namespace renderfm
