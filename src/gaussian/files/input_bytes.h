// The bytes of a file, or of a buffer under test, read at any offset and never beyond their end.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

namespace renderfm {

class InputBytes {
 public:
  InputBytes(std::string name, std::int64_t size) : name_(std::move(name)), size_(size) {}
  virtual ~InputBytes() = default;
  InputBytes(const InputBytes&) = delete;
  InputBytes& operator=(const InputBytes&) = delete;

  const std::string& name() const { return name_; }  ///< for messages
  std::int64_t size() const { return size_; }
  /// Throws kBadInput ("truncated") where [offset, offset + count) does not lie within the file.
  void read(std::int64_t offset, void* bytes, std::int64_t count);
  std::vector<std::uint8_t> read(std::int64_t offset, std::int64_t count);

 private:
  virtual void fetch(std::int64_t offset, void* bytes, std::int64_t count) = 0;

  std::string name_;
  std::int64_t size_;
};

class FileInput final : public InputBytes {
 public:
  /// Throws kBadInput where there is no such file.
  explicit FileInput(const std::filesystem::path& path);

 private:
  void fetch(std::int64_t offset, void* bytes, std::int64_t count) override;
  std::ifstream stream_;
};

class MemoryInput final : public InputBytes {
 public:
  MemoryInput(std::span<const std::uint8_t> bytes, std::string name)
      : InputBytes(std::move(name), static_cast<std::int64_t>(bytes.size())), bytes_(bytes) {}

 private:
  void fetch(std::int64_t offset, void* bytes, std::int64_t count) override;
  std::span<const std::uint8_t> bytes_;
};

/// Throws kBadInput where `bytes` more, which the file's header asks for, are not to be had: before they are
/// allocated.
void check_fits_memory(std::int64_t bytes, const std::string& name);

}  // namespace renderfm
