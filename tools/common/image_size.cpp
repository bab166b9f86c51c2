#include "common/image_size.h"

#include <charconv>

#include "renderfm/core/check.h"

namespace renderfm::tools {

std::array<int, 2> parse_image_size(const std::string& text) {
  std::array<int, 2> size{};
  const char* const end = text.data() + text.size();
  const auto width = std::from_chars(text.data(), end, size[0]);
  const bool has_cross = width.ec == std::errc() && width.ptr != end && *width.ptr == 'x';
  const auto height = has_cross ? std::from_chars(width.ptr + 1, end, size[1]) : width;
  const bool whole = has_cross && height.ec == std::errc() && height.ptr == end;
  if (!whole || size[0] < 1 || size[1] < 1 || size[0] > kMaxImageSide || size[1] > kMaxImageSide) {
    fail_input("--size {} is not understood; give WIDTHxHEIGHT in pixels, at most {} each, such as 800x600",
               text, kMaxImageSide);
  }
  return size;
}

}  // namespace renderfm::tools
