// Several pictures on one page, each with a caption.
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

namespace renderfm {

struct CaptionedImage {
  torch::Tensor srgb;  ///< [3, H, W]
  std::string caption;
};

/// Writes `text` in light grey with its top left corner at (x, y), `scale` pixels a dot.
void draw_text(torch::Tensor& srgb, const std::string& text, int x, int y, int scale);

/// Row by row, `columns` wide; all images of one size.
torch::Tensor contact_sheet(const std::vector<CaptionedImage>& images, int columns);

}  // namespace renderfm
