#include "renderfm/image/contact_sheet.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "renderfm/core/check.h"
#include "renderfm/tensor/check_tensor.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb_easy_font.h>
#pragma GCC diagnostic pop

namespace renderfm {
namespace {

constexpr float kTextGrey = 0.85F;

// The layout in which stb_easy_font prints its quads.
struct TextVertex {
  float x, y, z;
  std::uint8_t color[4];
};

}  // namespace

void draw_text(torch::Tensor& srgb, const std::string& text, int x, int y, int scale) {
  check_tensor(srgb, "srgb", {3, -1, -1});
  std::vector<char> buffer(text.size() * 320 + 64);
  std::string editable = text;
  const int quads =
      stb_easy_font_print(0, 0, editable.data(), nullptr, buffer.data(), static_cast<int>(buffer.size()));
  for (int quad = 0; quad < quads; ++quad) {
    std::array<TextVertex, 4> corners{};
    std::memcpy(corners.data(), buffer.data() + static_cast<std::size_t>(quad) * sizeof(corners),
                sizeof(corners));
    const auto pixel = [&](float dots, int offset, std::int64_t limit) {
      return std::clamp<std::int64_t>(offset + static_cast<std::int64_t>(dots * static_cast<float>(scale)), 0,
                                      limit);
    };
    srgb.slice(1, pixel(corners[0].y, y, srgb.size(1)), pixel(corners[2].y, y, srgb.size(1)))
        .slice(2, pixel(corners[0].x, x, srgb.size(2)), pixel(corners[2].x, x, srgb.size(2)))
        .fill_(kTextGrey);
  }
}

torch::Tensor contact_sheet(const std::vector<CaptionedImage>& images, int columns) {
  RFM_CHECK(!images.empty() && columns > 0, "a contact sheet needs images and columns");
  const std::int64_t height = images.front().srgb.size(1), width = images.front().srgb.size(2);
  const int scale = std::max(1, static_cast<int>(width / 256));
  const auto count = static_cast<int>(images.size());
  const int rows = (count + columns - 1) / columns;
  torch::Tensor sheet = torch::zeros({3, rows * height, std::min(columns, count) * width});
  for (int n = 0; n < count; ++n) {
    check_tensor(images[n].srgb, "image", {3, height, width});
    torch::Tensor cell = sheet.slice(1, n / columns * height, (n / columns + 1) * height)
                             .slice(2, n % columns * width, (n % columns + 1) * width);
    cell.copy_(images[n].srgb);
    draw_text(cell, images[n].caption, 6 * scale, 6 * scale, scale);
  }
  return sheet;
}

}  // namespace renderfm
