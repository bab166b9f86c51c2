// A file read through zlib, gzip-compressed or not, that notices when it ends early or is damaged.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <filesystem>
#include <string>

namespace renderfm {

class GzipInput {
 public:
  /// Throws kBadInput where the file is missing, empty or not readable.
  explicit GzipInput(const std::filesystem::path& path);
  ~GzipInput();
  GzipInput(const GzipInput&) = delete;
  GzipInput& operator=(const GzipInput&) = delete;

  bool compressed() const { return compressed_; }
  /// Reads up to `size` bytes; fewer at the end of the file.
  std::size_t read_some(void* bytes, std::size_t size);
  /// Throws kBadInput where the file ends before `size` bytes.
  void read(void* bytes, std::size_t size);
  void skip(std::size_t size);
  /// Reads a compressed file to its end, so that its checksum is verified.
  void check_end();
  /// The most bytes that can still follow: deflate cannot shrink data by more than 1032:1.
  double greatest_size() const;

 private:
  [[noreturn]] void fail_truncated() const;

  std::string name_;
  double file_size_ = 0;
  bool compressed_ = false;
  gzFile file_ = nullptr;
};

}  // namespace renderfm
