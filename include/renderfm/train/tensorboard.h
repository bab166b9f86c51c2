// Event files that TensorBoard reads: TFRecords (length, masked CRC-32C, data, masked CRC-32C) of the
// protocol buffer tensorflow.Event, as far as scalars and pictures need it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace renderfm::train {

/// CRC-32C (Castagnoli) of bytes.
std::uint32_t crc32c(std::string_view bytes);

class TensorBoard {
 public:
  /// Starts the file events.out.tfevents.SECONDS.HOST.PID in `folder`; what an earlier file there says of
  /// steps from `first_step` on no longer counts.
  TensorBoard(const std::filesystem::path& folder, std::int64_t first_step);

  void scalar(const std::string& tag, std::int64_t step, double value);
  void picture(const std::string& tag, std::int64_t step, std::int64_t width, std::int64_t height,
               const std::string& png);
  void flush();

 private:
  void write(const std::string& event);
  std::filesystem::path path_;
  std::ofstream stream_;
};

}  // namespace renderfm::train
