#include "nifti_header.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace renderfm {
namespace {

// Header fields at their byte offsets (nifti1.h, nifti2.h), swapped where the file asks for it.
class Fields {
 public:
  Fields(std::span<const std::uint8_t> bytes, bool swapped) : bytes_(bytes), swapped_(swapped) {}

  template <class T>
  T get(std::size_t offset) const {
    std::array<std::uint8_t, sizeof(T)> raw;
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), sizeof(T), raw.begin());
    if (swapped_) std::reverse(raw.begin(), raw.end());
    T value;
    std::memcpy(&value, raw.data(), sizeof(T));
    return value;
  }

 private:
  std::span<const std::uint8_t> bytes_;
  bool swapped_;
};

NiftiHeader parse_version_1(const Fields& fields) {
  NiftiHeader h;
  for (std::size_t i = 0; i < 8; ++i) {
    h.dim[i] = fields.get<std::int16_t>(40 + 2 * i);
    h.pixdim[i] = static_cast<double>(fields.get<float>(76 + 4 * i));
  }
  h.data_type = fields.get<std::int16_t>(70);
  const float offset = fields.get<float>(108);
  h.data_offset =
      std::isfinite(offset) && offset > 0 && offset < 1e9f ? static_cast<std::int64_t>(offset) : 0;
  h.slope = static_cast<double>(fields.get<float>(112));
  h.intercept = static_cast<double>(fields.get<float>(116));
  h.units = fields.get<std::uint8_t>(123);
  h.qform_code = fields.get<std::int16_t>(252);
  h.sform_code = fields.get<std::int16_t>(254);
  for (std::size_t i = 0; i < 3; ++i) {
    h.quaternion[i] = static_cast<double>(fields.get<float>(256 + 4 * i));
    h.quaternion_offset[i] = static_cast<double>(fields.get<float>(268 + 4 * i));
    for (std::size_t j = 0; j < 4; ++j)
      h.sform[i][j] = static_cast<double>(fields.get<float>(280 + 16 * i + 4 * j));
  }
  return h;
}

NiftiHeader parse_version_2(const Fields& fields) {
  NiftiHeader h;
  h.version = 2;
  for (std::size_t i = 0; i < 8; ++i) {
    h.dim[i] = fields.get<std::int64_t>(16 + 8 * i);
    h.pixdim[i] = fields.get<double>(104 + 8 * i);
  }
  h.data_type = fields.get<std::int16_t>(12);
  h.data_offset = fields.get<std::int64_t>(168);
  h.slope = fields.get<double>(176);
  h.intercept = fields.get<double>(184);
  h.qform_code = fields.get<std::int32_t>(344);
  h.sform_code = fields.get<std::int32_t>(348);
  for (std::size_t i = 0; i < 3; ++i) {
    h.quaternion[i] = fields.get<double>(352 + 8 * i);
    h.quaternion_offset[i] = fields.get<double>(376 + 8 * i);
    for (std::size_t j = 0; j < 4; ++j) h.sform[i][j] = fields.get<double>(400 + 32 * i + 8 * j);
  }
  h.units = fields.get<std::int32_t>(500);
  return h;
}

// Voxel steps in the file's own RAS frame and unit of length.
struct RasAffine {
  Mat3d columns;
  Vec3d origin;
};

bool usable(const RasAffine& affine) {
  for (int i = 0; i < 3; ++i) {
    if (!std::isfinite(affine.origin[i])) return false;
    for (int j = 0; j < 3; ++j) {
      if (!std::isfinite(affine.columns[i][j])) return false;
    }
  }
  const Vec3d x = affine.columns.column(0), y = affine.columns.column(1), z = affine.columns.column(2);
  const double volume = norm(x) * norm(y) * norm(z);
  return volume > 0 && std::abs(determinant(affine.columns)) > 1e-3 * volume;
}

RasAffine sform_affine(const NiftiHeader& h) {
  RasAffine affine;
  for (std::size_t i = 0; i < 3; ++i) {
    const int row = static_cast<int>(i);
    for (std::size_t j = 0; j < 3; ++j) affine.columns[row][static_cast<int>(j)] = h.sform[i][j];
    affine.origin[row] = h.sform[i][3];
  }
  return affine;
}

RasAffine qform_affine(const NiftiHeader& h) {
  double b = h.quaternion[0], c = h.quaternion[1], d = h.quaternion[2];
  const double square = b * b + c * c + d * d;
  double a = 0;
  if (square > 1) {  // rounded to float32: a half turn
    const double scale = 1 / std::sqrt(square);
    b *= scale;
    c *= scale;
    d *= scale;
  } else {
    a = std::sqrt(1 - square);
  }
  const double flip = h.pixdim[0] < 0 ? -1 : 1;
  const Mat3d rotation{{{a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)},
                        {2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)},
                        {2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c}}};
  RasAffine affine;
  const Vec3d step{h.pixdim[1], h.pixdim[2], h.pixdim[3] * flip};
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) affine.columns[i][j] = rotation[i][j] * step[j];
    affine.origin[i] = h.quaternion_offset[static_cast<std::size_t>(i)];
  }
  return affine;
}

// As nibabel does: the radiological order of Analyze (index x runs to the patient's left), centred.
RasAffine plain_affine(const NiftiHeader& h) {
  RasAffine affine{Mat3d{}, {0, 0, 0}};
  for (int i = 0; i < 3; ++i) {
    const auto axis = static_cast<std::size_t>(i) + 1;
    affine.columns[i][i] = h.pixdim[axis] * (i == 0 ? -1 : 1);
    affine.origin[i] = -affine.columns[i][i] * static_cast<double>(h.dim[axis] - 1) / 2;
  }
  return affine;
}

bool plausible_spacing(const RasAffine& affine, double scale) {
  for (int j = 0; j < 3; ++j) {
    const double step_mm = norm(affine.columns.column(j)) * scale;
    if (step_mm < 0.005 || step_mm > 50) return false;
  }
  return true;
}

// Millimetres per unit of length. Headers that say metre and mean millimetre are common.
double length_scale(const NiftiHeader& h, const RasAffine& affine, const std::string& name,
                    ScanReport& report) {
  const int code = h.units & 7;
  const double scale = code == 1 ? 1e3 : (code == 3 ? 1e-3 : 1.0);
  if (scale == 1.0) return scale;
  const char* unit = code == 1 ? "metres" : "micrometres";
  if (!plausible_spacing(affine, scale) && plausible_spacing(affine, 1.0)) {
    report.add_repair("wrong_unit",
                      fmt::format("{}: the header says {}, which would make voxels of {:.3g} mm; "
                                  "millimetres were assumed",
                                  name, unit, norm(affine.columns.column(0)) * scale));
    return 1.0;
  }
  report.add_fact("unit", unit);
  return scale;
}

}  // namespace

std::optional<NiftiHeader> parse_nifti_header(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < 348) return std::nullopt;
  for (const bool swapped : {false, true}) {
    const Fields fields(bytes, swapped);
    const auto size = fields.get<std::int32_t>(0);
    NiftiHeader header;
    if (size == 348 && std::memcmp(&bytes[344], "n+1", 4) == 0) {
      header = parse_version_1(fields);
    } else if (size == 348 && std::memcmp(&bytes[344], "ni1", 4) == 0) {
      header = parse_version_1(fields);
      header.separate_data = true;
    } else if (size == 540 && bytes.size() >= 540 && std::memcmp(&bytes[4], "n+2", 4) == 0) {
      header = parse_version_2(fields);
    } else if (size == 540 && bytes.size() >= 540 && std::memcmp(&bytes[4], "ni2", 4) == 0) {
      header = parse_version_2(fields);
      header.separate_data = true;
    } else {
      continue;
    }
    header.swapped = swapped;
    if (!header.separate_data) {
      header.data_offset = std::max(header.data_offset, static_cast<std::int64_t>(header.header_size() + 4));
    }
    return header;
  }
  return std::nullopt;
}

VoxelType nifti_voxel_type(const NiftiHeader& header, const std::string& name) {
  switch (header.data_type) {
    case 2: return VoxelType::kUint8;
    case 4: return VoxelType::kInt16;
    case 8: return VoxelType::kInt32;
    case 16: return VoxelType::kFloat32;
    case 64: return VoxelType::kFloat64;
    case 256: return VoxelType::kInt8;
    case 512: return VoxelType::kUint16;
    case 768: return VoxelType::kUint32;
    case 1024: return VoxelType::kInt64;
    case 1280: return VoxelType::kUint64;
    case 128:
    case 2304: fail_input("{} is a colour (RGB) image; a scan with one value per voxel is needed", name);
    default:
      fail_input(
          "{} holds voxels of the NIfTI type {}, which is not a real number of up to 64 bits; convert it to "
          "int16 or float32",
          name, header.data_type);
  }
}

VoxelAffine nifti_affine(const NiftiHeader& header, const std::string& name, ScanReport& report) {
  for (std::size_t axis = 1; axis <= 3; ++axis) {
    if (!(header.pixdim[axis] > 0) || !std::isfinite(header.pixdim[axis])) {
      fail_input(
          "{}: the voxel size along axis {} is {} mm; it must be positive, so repair the header or export "
          "the scan again",
          name, axis, header.pixdim[axis]);
    }
  }
  RasAffine affine = plain_affine(header);
  bool oriented = false;
  if (header.sform_code > 0) {
    affine = sform_affine(header);
    oriented = usable(affine);
    if (!oriented) {
      report.add_repair(
          "broken_sform",
          fmt::format("{}: the header's sform has no volume or is not a number, so its qform {} used", name,
                      header.qform_code > 0 ? "was" : "and sform could not be"));
    }
  }
  if (!oriented && header.qform_code > 0) {
    affine = qform_affine(header);
    oriented = usable(affine);
  }
  if (!oriented) {
    affine = plain_affine(header);
    report.add_repair(
        "no_orientation",
        fmt::format("{}: the header does not say how the scan lies in the patient, so the usual order "
                    "was assumed; left and right may be swapped",
                    name));
  }
  const double scale = length_scale(header, affine, name, report);
  VoxelAffine lps;
  for (int i = 0; i < 3; ++i) {
    const double sign = i < 2 ? -scale : scale;  // RAS to LPS
    for (int j = 0; j < 3; ++j) lps.columns_mm[i][j] = sign * affine.columns[i][j];
    lps.origin_mm[i] = sign * affine.origin[i];
  }
  return lps;
}

}  // namespace renderfm
