#include "data/picture.h"

#include <torch/types.h>

#include <ATen/ops/upsample_bilinear2d.h>

#include <algorithm>
#include <span>

#include "renderfm/core/check.h"
#include "renderfm/image/contact_sheet.h"
#include "renderfm/image/image_io.h"
#include "renderfm/image/pfm.h"
#include "renderfm/math/srgb.h"

namespace renderfm::data {
namespace {

constexpr int kSide = 256;  // of a picture on the page: a caption of 40 letters fits

torch::Tensor as_tensor(const std::vector<float>& plane, int channels, const Camera& camera) {
  RFM_CHECK(plane.size() == static_cast<std::size_t>(channels) * camera.width * camera.height,
            "a picture of {} x {} has {} values", camera.width, camera.height, plane.size());
  return torch::from_blob(const_cast<float*>(plane.data()), {channels, camera.height, camera.width},
                          torch::kFloat32);
}

/// Three equal channels, as the pictures are: [3, H, W].
torch::Tensor encoded_alpha(const ViewImages& images, const Camera& camera) {
  torch::Tensor alpha = as_tensor(images.alpha, 1, camera).clone();
  const std::span<float> values(alpha.mutable_data_ptr<float>(), images.alpha.size());
  for (float& value : values) value = srgb_from_linear(value);
  return alpha.repeat({3, 1, 1});
}

/// On a square of `side` pixels, black around it.
torch::Tensor fitted(const torch::Tensor& picture, int side) {
  const std::int64_t height = picture.size(1), width = picture.size(2);
  const double scale = static_cast<double>(side) / static_cast<double>(std::max(height, width));
  const auto length = [&](std::int64_t full) {
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(full) * scale + 0.5));
  };
  const std::int64_t h = std::min<std::int64_t>(side, length(height)),
                     w = std::min<std::int64_t>(side, length(width));
  const torch::Tensor small = at::_upsample_bilinear2d_aa(picture.unsqueeze(0), {h, w}, false)[0];
  torch::Tensor square = torch::zeros({3, side, side});
  square.slice(1, (side - h) / 2, (side - h) / 2 + h)
      .slice(2, (side - w) / 2, (side - w) / 2 + w)
      .copy_(small);
  return square;
}

}  // namespace

void write_view(const ViewImages& images, const View& view) {
  if (!view.alpha.empty()) {
    write_png(encoded_alpha(images, view.camera), view.alpha);
    write_pfm(as_tensor(images.depth_mm, 1, view.camera), view.depth);
  }
  write_png(as_tensor(images.srgb, 3, view.camera), view.image);
}

double view_bytes(const ViewImages& images, const View& view) {
  std::size_t bytes = encode_png(as_tensor(images.srgb, 3, view.camera)).size();
  if (!view.alpha.empty()) {
    bytes += encode_png(encoded_alpha(images, view.camera)).size() + images.depth_mm.size() * sizeof(float);
  }
  return static_cast<double>(bytes);
}

void write_overview(const std::vector<std::filesystem::path>& cases, const std::filesystem::path& path) {
  constexpr std::size_t kFewCases = 8, kManyCases = 32, kMostCases = 64;
  const std::size_t wanted = cases.size() <= kFewCases ? 4 : (cases.size() <= kManyCases ? 2 : 1);
  const std::size_t shown = std::min(cases.size(), kMostCases);
  std::vector<CaptionedImage> images;
  for (std::size_t n = 0; n < shown; ++n) {
    const CaseInfo info = read_case_info(cases[n * cases.size() / shown]);
    const bool both = wanted > 1 && !info.train_views.empty() && !info.test_views.empty();
    const std::vector<View>& views = info.train_views.empty() ? info.test_views : info.train_views;
    const std::size_t plain = both ? wanted - 1 : wanted;
    for (std::size_t view = 0; view < plain && !views.empty(); ++view) {
      const View& chosen = views[view * views.size() / plain];
      images.push_back({fitted(read_png(chosen.image), kSide),
                        view == 0 ? info.name : fmt::format("{} scan, view {}", info.split, chosen.name)});
    }
    if (both) {
      const View& held_out = info.test_views.front();
      images.push_back(
          {fitted(read_png(held_out.image), kSide), fmt::format("held-out view {}", held_out.name)});
    }
  }
  if (images.empty()) return;
  write_png(contact_sheet(images, images.size() <= 16 ? 4 : 8), path);
}

}  // namespace renderfm::data
