#include "gaussian/files/input_bytes.h"

#include <cstring>

#include "renderfm/core/check.h"
#include "renderfm/core/memory.h"

namespace renderfm {
namespace {

std::int64_t size_of_file(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::is_directory(path, error) ? 0 : std::filesystem::file_size(path, error);
  return error ? 0 : static_cast<std::int64_t>(size);
}

}  // namespace

void InputBytes::read(std::int64_t offset, void* bytes, std::int64_t count) {
  if (offset < 0 || count < 0 || offset > size_ || count > size_ - offset) {
    fail_input(
        "{} is truncated: {} bytes are promised at offset {}, but the file has {}; copy or write it again",
        name_, count, offset, size_);
  }
  if (count > 0) fetch(offset, bytes, count);
}

std::vector<std::uint8_t> InputBytes::read(std::int64_t offset, std::int64_t count) {
  if (count > size_) count = size_ + 1;  // refused below, and not allocated before
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(count));
  read(offset, bytes.data(), count);
  return bytes;
}

FileInput::FileInput(const std::filesystem::path& path)
    : InputBytes(path.string(), size_of_file(path)), stream_(path, std::ios::binary) {
  std::error_code error;
  if (!stream_ || std::filesystem::is_directory(path, error)) {
    fail_input("cannot read {}: no such file, or no permission", path.string());
  }
}

void FileInput::fetch(std::int64_t offset, void* bytes, std::int64_t count) {
  stream_.seekg(offset);
  stream_.read(static_cast<char*>(bytes), count);
  if (!stream_) fail_input("cannot read {}: the file ends early or the disk fails", name());
}

void MemoryInput::fetch(std::int64_t offset, void* bytes, std::int64_t count) {
  std::memcpy(bytes, bytes_.data() + offset, static_cast<std::size_t>(count));
}

void check_fits_memory(std::int64_t bytes, const std::string& name) {
  const std::int64_t available = available_memory_bytes();
  if (bytes < 0 || bytes > available) {
    fail_input(
        "{} would need {:.1f} GB of memory, and {:.1f} GB are free; it is too large for this machine, or "
        "damaged",
        name, static_cast<double>(bytes) / 1e9, static_cast<double>(available) / 1e9);
  }
}

}  // namespace renderfm
