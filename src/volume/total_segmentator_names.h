// Both TotalSegmentator numberings, for the label reader alone; the public header speaks of version 2.
#pragma once

#include <span>
#include <string_view>

namespace renderfm {

enum class LabelVersion { kV1, kV2 };

/// Element p is the name of label p + 1.
std::span<const std::string_view> total_segmentator_names(LabelVersion version);

}  // namespace renderfm
