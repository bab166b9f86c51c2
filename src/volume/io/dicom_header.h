// What we need to know of a DICOM image before its pixels are decoded. Nothing that names the patient is
// read.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "dicom_files.h"
#include "renderfm/math/vec.h"

namespace renderfm {

/// One slice: a file, or a frame of a multi-frame file.
struct DicomSlice {
  std::size_t file = 0;  ///< index into the list of files
  int frame = 0;
  std::string sop_class, sop_instance, series_uid, series_description, modality, image_type, transfer_syntax;
  std::int64_t rows = 0, columns = 0;
  int samples_per_pixel = 1;
  bool has_position = false;               ///< the position and orientation below were given
  Vec3d position_mm{0, 0, 0};              ///< centre of the first pixel, LPS
  Vec3d row_axis{1, 0, 0};                 ///< along which the column index grows
  Vec3d column_axis{0, 1, 0};              ///< along which the row index grows
  std::array<double, 2> spacing_mm{0, 0};  ///< between columns, between rows
  std::int64_t instance_number = 0;
  /// What may tell volumes at the same positions apart, most telling first: temporal position, cardiac phase
  /// or trigger time, acquisition number, stack, kernel.
  std::array<std::string, 5> volume_keys;
  double slope = 1, intercept = 0;
  bool has_padding = false;
  std::int64_t padding_low = 0, padding_high = 0;  ///< stored values
  std::int64_t pixel_offset = 0;                   ///< where the pixel data begins in the file
  int bits_stored = 16;
  bool is_signed = false;
};

struct DicomHeaders {
  std::vector<DicomSlice> slices;
  /// Transfer syntaxes of files that could not be parsed, and one such file.
  std::vector<std::string> unreadable_syntaxes;
  std::string unreadable_file;
  std::size_t unreadable_count = 0;
};

DicomHeaders read_dicom_headers(const std::vector<DicomFile>& files);

}  // namespace renderfm
