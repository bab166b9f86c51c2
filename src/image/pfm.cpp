#include "renderfm/image/pfm.h"

#include <algorithm>
#include <bit>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <span>
#include <string>

#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/tensor/check_tensor.h"

namespace renderfm {
namespace {

static_assert(std::endian::native == std::endian::little, "floats are written as they lie in memory");

constexpr std::int64_t kMaxSide = 1 << 20;

/// The next word of the header and the one white space after it.
std::string header_word(std::istream& stream) {
  constexpr std::size_t kLongest = 32;
  std::string word;
  for (int c = stream.get(); c != EOF; c = stream.get()) {
    if (std::isspace(c) == 0) {
      word += static_cast<char>(c);
      if (word.size() > kLongest) break;
    } else if (!word.empty()) {
      break;
    }
  }
  return word;
}

std::int64_t side_from(const std::string& word) {
  char* end = nullptr;
  const std::int64_t side = std::strtoll(word.c_str(), &end, 10);
  return !word.empty() && *end == '\0' && side >= 1 && side <= kMaxSide ? side : 0;
}

}  // namespace

void write_pfm(const torch::Tensor& linear, const std::filesystem::path& path) {
  RFM_CHECK(linear.dim() == 3 && (linear.size(0) == 3 || linear.size(0) == 1) &&
                linear.scalar_type() == torch::kFloat32,
            "a PFM picture is [3 or 1, H, W] float32, got {} {}", shape_text(linear.sizes()),
            torch::toString(linear.scalar_type()));
  // The format's rows go from the bottom up.
  const torch::Tensor rows = linear.to(torch::kCPU).flip({1}).permute({1, 2, 0}).contiguous();
  AtomicFile file(path);
  file.write(
      fmt::format("{}\n{} {}\n-1.0\n", linear.size(0) == 3 ? "PF" : "Pf", linear.size(2), linear.size(1)));
  file.write(rows.const_data_ptr<float>(), static_cast<std::size_t>(rows.numel()) * sizeof(float));
  file.commit();
}

torch::Tensor read_pfm(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) fail_input("cannot read the picture {}: it does not exist or cannot be opened", path.string());
  const std::string kind = header_word(stream);
  if (kind != "PF" && kind != "Pf") {
    fail_input("cannot read the picture {}: it is no PFM file, which begins with PF or Pf", path.string());
  }
  const std::int64_t width = side_from(header_word(stream)), height = side_from(header_word(stream));
  const double scale = std::strtod(header_word(stream).c_str(), nullptr);
  if (width == 0 || height == 0 || scale == 0 || !std::isfinite(scale)) {
    fail_input("cannot read the picture {}: its header names no size and byte order", path.string());
  }
  const std::int64_t channels = kind == "PF" ? 3 : 1;
  const std::int64_t bytes = width * height * channels * static_cast<std::int64_t>(sizeof(float));
  const auto begin = stream.tellg();
  stream.seekg(0, std::ios::end);
  const std::int64_t present = static_cast<std::int64_t>(stream.tellg() - begin);
  if (present < bytes) {
    fail_input("the picture {} is cut short: {} x {} pixels need {} bytes and {} are there", path.string(),
               width, height, bytes, present);
  }
  stream.seekg(begin);
  torch::Tensor rows = torch::empty({height, width, channels}, torch::kFloat32);
  const std::span<float> values(rows.mutable_data_ptr<float>(), static_cast<std::size_t>(rows.numel()));
  stream.read(reinterpret_cast<char*>(values.data()), bytes);
  if (!stream) fail_input("reading the picture {} failed", path.string());
  if (scale > 0) {
    for (float& value : values)
      value = std::bit_cast<float>(__builtin_bswap32(std::bit_cast<std::uint32_t>(value)));
  }
  return rows.permute({2, 0, 1}).flip({1}).contiguous();
}

}  // namespace renderfm
