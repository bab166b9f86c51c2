// Label images in, on their own grid. Names and the CT's grid are labels.cpp's business.
#include <utility>

#include "file_format.h"
#include "itk_reader.h"
#include "nifti_reader.h"
#include "orthonormal.h"
#include "renderfm/volume/image_io.h"
#include "voxel_values.h"

namespace renderfm {

LabelVolume read_label_image(const std::filesystem::path& path, ScanReport& report) {
  const FileFormat format = detect_format(path);
  RawImage image;
  switch (format) {
    case FileFormat::kNifti: image = read_nifti(path, -1, report); break;
    case FileFormat::kNrrd:
    case FileFormat::kMetaImage: image = read_with_itk(path, format, -1, report); break;
    default:
      fail_input("{} is not a label image that can be read here; give labels as NIfTI, NRRD or MetaImage",
                 path.string());
  }
  OrthonormalGrid grid = orthonormal_grid(image.affine, image.shape_zyx, image.name);
  LabelVolume labels;
  labels.geometry = grid.geometry;
  labels.voxels = label_values(image);
  if (grid.sheared) {
    std::vector<std::uint8_t> resampled(static_cast<std::size_t>(grid.geometry.voxel_count()));
    sample_nearest<std::uint8_t>(labels.voxels.data(), image.shape_zyx, grid.source_from_grid,
                                 resampled.data(), grid.geometry.shape_zyx, 0);
    labels.voxels = std::move(resampled);
    report.add_repair(
        "non_orthonormal_axes",
        fmt::format("{}: the label image's axes depart {:.2f} degrees from right angles; it was "
                    "resampled onto straight axes",
                    image.name, grid.angle_deg));
  }
  return labels;
}

}  // namespace renderfm
