// The NIfTI-1 and NIfTI-2 header, either byte order, and the voxel axes that it gives. Read without ITK,
// whose reader refuses or alters an sform that is not orthonormal.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "raw_image.h"
#include "renderfm/volume/scan_report.h"

namespace renderfm {

inline constexpr std::size_t kMaxNiftiHeader = 544;  ///< NIfTI-2 with its four extension bytes

struct NiftiHeader {
  int version = 1;             ///< 1 or 2
  bool swapped = false;        ///< the file's byte order is not ours
  bool separate_data = false;  ///< .hdr and .img
  std::array<std::int64_t, 8> dim{};
  std::array<double, 8> pixdim{};
  int data_type = 0;
  std::int64_t data_offset = 0;
  double slope = 1, intercept = 0;
  int qform_code = 0, sform_code = 0;
  std::array<double, 3> quaternion{}, quaternion_offset{};  ///< b, c, d and x, y, z
  std::array<std::array<double, 4>, 3> sform{};
  int units = 0;

  std::size_t header_size() const { return version == 1 ? 348 : 540; }
  std::int64_t time_points() const { return dim[0] >= 4 ? dim[4] : 1; }
};

/// The header at the start of a (decompressed) file; nothing where the bytes are not NIfTI.
std::optional<NiftiHeader> parse_nifti_header(std::span<const std::uint8_t> bytes);

/// Throws kBadInput where the data type is not a real number per voxel.
VoxelType nifti_voxel_type(const NiftiHeader& header, const std::string& name);

/// Voxel axes in LPS mm: the sform where it is usable, else the qform, else the voxel sizes alone, with what
/// was odd in `report`. Throws kBadInput for voxel sizes that are not positive.
VoxelAffine nifti_affine(const NiftiHeader& header, const std::string& name, ScanReport& report);

}  // namespace renderfm
