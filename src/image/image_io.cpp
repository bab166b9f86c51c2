#include "renderfm/image/image_io.h"

#include <memory>
#include <vector>

#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/tensor/check_tensor.h"

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wdouble-promotion"
#include <stb_image.h>
#include <stb_image_write.h>
#pragma GCC diagnostic pop

namespace renderfm {

std::string encode_png(const torch::Tensor& srgb) {
  RFM_CHECK(srgb.dim() == 3 && (srgb.size(0) == 3 || srgb.size(0) == 4),
            "a picture is [3 or 4, H, W], got {}", shape_text(srgb.sizes()));
  const torch::Tensor bytes =
      (srgb.to(torch::kCPU).clamp(0, 1) * 255 + 0.5).to(torch::kUInt8).permute({1, 2, 0}).contiguous();
  const auto append = [](void* context, void* data, int size) {
    static_cast<std::string*>(context)->append(static_cast<char*>(data), static_cast<std::size_t>(size));
  };
  std::string encoded;
  const int height = static_cast<int>(bytes.size(0)), width = static_cast<int>(bytes.size(1));
  const int channels = static_cast<int>(bytes.size(2));
  RFM_CHECK(stbi_write_png_to_func(append, &encoded, width, height, channels, bytes.data_ptr(),
                                   width * channels) != 0,
            "encoding a picture of {} x {} failed", width, height);
  return encoded;
}

void write_png(const torch::Tensor& srgb, const std::filesystem::path& path) {
  AtomicFile file(path);
  file.write(encode_png(srgb));
  file.commit();
}

torch::Tensor read_png(const std::filesystem::path& path) {
  int width = 0, height = 0, channels = 0;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load(path.c_str(), &width, &height, &channels, 3), stbi_image_free);
  if (!pixels) fail_input("cannot read the picture {}: {}", path.string(), stbi_failure_reason());
  return torch::from_blob(pixels.get(), {height, width, 3}, torch::kUInt8)
      .permute({2, 0, 1})
      .to(torch::kFloat32)
      .div(255)
      .contiguous();
}

Picture read_picture(const std::filesystem::path& path) {
  int width = 0, height = 0, channels = 0;
  // 8 bits become 16 by repetition, so 255 is 65535 and nothing is lost.
  const std::unique_ptr<stbi_us, void (*)(void*)> pixels(
      stbi_load_16(path.c_str(), &width, &height, &channels, 4), stbi_image_free);
  if (!pixels) fail_input("cannot read the picture {}: {}", path.string(), stbi_failure_reason());
  // Torch has no arithmetic for unsigned 16 bits: read as signed, the upper half comes back by the mask.
  const torch::Tensor rgba = torch::from_blob(pixels.get(), {height, width, 4}, torch::kInt16)
                                 .to(torch::kInt32)
                                 .bitwise_and(0xFFFF)
                                 .permute({2, 0, 1})
                                 .to(torch::kFloat32)
                                 .div(65535);
  const torch::Tensor alpha = rgba.slice(0, 3);
  return {(rgba.slice(0, 0, 3) * alpha).contiguous(), (alpha < 1).any().item<bool>()};
}

}  // namespace renderfm
