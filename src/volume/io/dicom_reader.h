// DICOM in: a folder, a zip, or one file with the series around it.
#pragma once

#include <filesystem>
#include <vector>

#include "file_format.h"
#include "raw_image.h"
#include "renderfm/volume/image_io.h"

namespace renderfm {

/// The chosen series as HU (stored as int16, slope 1) on evenly spaced slices; sheared where the gantry was
/// tilted.
RawImage read_dicom(const std::filesystem::path& path, FileFormat format, const ReadOptions& options,
                    ScanReport& report);

std::vector<SeriesInfo> list_dicom_series(const std::filesystem::path& path, FileFormat format);

}  // namespace renderfm
