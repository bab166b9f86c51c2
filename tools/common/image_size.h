// "800x600".
#pragma once

#include <array>
#include <string>

namespace renderfm::tools {

inline constexpr int kMaxImageSide = 16384;

/// Throws kBadInput for anything but WIDTHxHEIGHT in whole pixels.
std::array<int, 2> parse_image_size(const std::string& text);

}  // namespace renderfm::tools
