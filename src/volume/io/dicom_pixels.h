// DICOM pixels, decoded and rescaled slice by slice.
#pragma once

#include <vector>

#include "dicom_series.h"

namespace renderfm {

/// HU of every slice of the stack, one after the other, rounded. Padding that the header names becomes
/// kMinHu; its share is added to `padding_voxels`. Throws kBadInput naming file, transfer syntax and remedy
/// where the pixels cannot be decoded.
std::vector<std::int16_t> read_pixels(const std::vector<DicomFile>& files, const SliceStack& stack,
                                      std::int64_t& padding_voxels);

/// Throws for files in a compression that cannot be read here.
[[noreturn]] void fail_transfer_syntax(const std::string& file, const std::string& transfer_syntax);

}  // namespace renderfm
