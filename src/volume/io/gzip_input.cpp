#include "gzip_input.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "renderfm/core/check.h"

namespace renderfm {
namespace fs = std::filesystem;
namespace {
constexpr std::size_t kPiece = std::size_t{1} << 28;  // gzread takes an unsigned int
constexpr unsigned kBuffer = 1u << 17;
}  // namespace

GzipInput::GzipInput(const fs::path& path) : name_(path.string()) {
  std::error_code error;
  if (!fs::exists(path, error)) fail_input("{}: there is no such file; check the path", name_);
  if (!fs::is_regular_file(path, error)) fail_input("{} is not a file; name an image file", name_);
  file_size_ = static_cast<double>(fs::file_size(path, error));
  if (file_size_ == 0) fail_input("{} is empty; export or download it again", name_);
  errno = 0;
  file_ = gzopen(path.c_str(), "rb");
  if (file_ == nullptr) fail_input("{} cannot be read: {}", name_, std::strerror(errno));
  gzbuffer(file_, kBuffer);
  compressed_ = gzdirect(file_) == 0;
}

GzipInput::~GzipInput() { gzclose(file_); }

void GzipInput::fail_truncated() const {
  fail_input("{} is damaged or cut short; copy or download it again", name_);
}

std::size_t GzipInput::read_some(void* bytes, std::size_t size) {
  auto* target = static_cast<std::byte*>(bytes);
  std::size_t done = 0;
  while (done < size) {
    const int count = gzread(file_, target + done, static_cast<unsigned>(std::min(kPiece, size - done)));
    if (count < 0) fail_truncated();
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

void GzipInput::read(void* bytes, std::size_t size) {
  if (read_some(bytes, size) != size) fail_truncated();
}

void GzipInput::skip(std::size_t size) {
  std::array<std::byte, 1 << 16> scratch;
  while (size > 0) {
    const std::size_t piece = std::min(size, scratch.size());
    read(scratch.data(), piece);
    size -= piece;
  }
}

void GzipInput::check_end() {
  if (!compressed_) return;
  std::array<std::byte, 1 << 16> scratch;
  while (gzread(file_, scratch.data(), static_cast<unsigned>(scratch.size())) > 0) {
  }
  int code = Z_OK;
  gzerror(file_, &code);
  if (code != Z_OK && code != Z_STREAM_END) fail_truncated();
}

double GzipInput::greatest_size() const { return compressed_ ? 1032 * file_size_ : file_size_; }

}  // namespace renderfm
