// From stored values to Hounsfield units or labels, with the checks that tell a CT from something else.
#pragma once

#include <vector>

#include "raw_image.h"
#include "renderfm/volume/scan_report.h"

namespace renderfm {

/// HU clamped to [kMinHu, kMaxHu], in the image's order. Throws kBadInput for voxels that are not finite, for
/// a scan of nothing but air, and, with `must_be_ct`, for values that cannot be HU. A CT stored from 0
/// without its intercept of -1024 is repaired and reported.
std::vector<std::int16_t> hounsfield_values(const RawImage& image, bool must_be_ct, ScanReport& report);

/// Throws kBadInput where a value is not a whole number in [0, 255].
std::vector<std::uint8_t> label_values(const RawImage& image);

}  // namespace renderfm
