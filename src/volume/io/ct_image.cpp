// CT in, whatever its format: values to HU, axes to orthonormal.
#include <algorithm>
#include <utility>

#include "dicom_reader.h"
#include "itk_reader.h"
#include "nifti_reader.h"
#include "orthonormal.h"
#include "renderfm/volume/image_io.h"
#include "voxel_values.h"

namespace renderfm {
namespace {

RawImage read_raw(const std::filesystem::path& path, FileFormat format, const ReadOptions& options,
                  ScanReport& report) {
  switch (format) {
    case FileFormat::kNifti: return read_nifti(path, options.time_point, report);
    case FileFormat::kNrrd:
    case FileFormat::kMetaImage: return read_with_itk(path, format, options.time_point, report);
    default: return read_dicom(path, format, options, report);
  }
}

bool is_dicom(FileFormat format) {
  return format == FileFormat::kDicom || format == FileFormat::kZip || format == FileFormat::kFolder;
}

void report_shear(const OrthonormalGrid& grid, bool dicom, const std::string& name, ScanReport& report) {
  if (dicom) {
    report.add_repair("gantry_tilt",
                      fmt::format("{}: the gantry was tilted by {:.1f} degrees; the slices were "
                                  "shifted back into an upright volume",
                                  name, grid.angle_deg));
  } else {
    report.add_repair(
        "non_orthonormal_axes",
        fmt::format("{}: the header's axes depart {:.2f} degrees from right angles; the scan was "
                    "resampled onto straight axes",
                    name, grid.angle_deg));
  }
}

}  // namespace

CtVolume read_ct(const std::filesystem::path& path, const ReadOptions& options, ScanReport& report) {
  const FileFormat format = detect_format(path);
  if (!options.series.empty() && !is_dicom(format)) {
    fail_input("{} is not DICOM, so there is no series {} to choose; leave --series away", path.string(),
               options.series);
  }
  const RawImage image = read_raw(path, format, options, report);
  const OrthonormalGrid grid = orthonormal_grid(image.affine, image.shape_zyx, image.name);
  CtVolume ct;
  ct.geometry = grid.geometry;
  ct.voxels = hounsfield_values(image, !options.allow_other_modality, report);
  if (grid.sheared) {
    check_shape(grid.geometry.shape_zyx, image.name);
    std::vector<std::int16_t> resampled(static_cast<std::size_t>(grid.geometry.voxel_count()));
    sample_linear<std::int16_t>(ct.voxels.data(), image.shape_zyx, grid.source_from_grid, resampled.data(),
                                grid.geometry.shape_zyx, kMinHu);
    ct.voxels = std::move(resampled);
    report_shear(grid, is_dicom(format), image.name, report);
  }
  const Geometry& g = ct.geometry;
  report.add_fact("shape_xyz", fmt::format("{} x {} x {}", g.width(), g.height(), g.depth()));
  report.add_fact("spacing_xyz_mm", fmt::format("{:.6g} x {:.6g} x {:.6g}", g.spacing_zyx_mm[2],
                                                g.spacing_zyx_mm[1], g.spacing_zyx_mm[0]));
  return ct;
}

std::vector<SeriesInfo> list_series(const std::filesystem::path& path) {
  const FileFormat format = detect_format(path);
  if (!is_dicom(format)) {
    fail_input("{} is not DICOM, so it has no series to list", path.string());
  }
  return list_dicom_series(path, format);
}

}  // namespace renderfm
