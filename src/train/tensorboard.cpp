#include "renderfm/train/tensorboard.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>

#include "renderfm/core/check.h"

namespace renderfm::train {
namespace {

// Protocol buffers: a key of (field << 3 | wire type), then the value.
enum Wire { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

void put_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

void put_key(std::string& out, int field, Wire wire) {
  put_varint(out, static_cast<std::uint64_t>(field) << 3 | static_cast<std::uint64_t>(wire));
}

template <class T>
void put_raw(std::string& out, T value) {
  std::array<char, sizeof(T)> bytes{};
  std::memcpy(bytes.data(), &value, sizeof(T));
  out.append(bytes.data(), bytes.size());
}

void put_int(std::string& out, int field, std::int64_t value) {
  put_key(out, field, kVarint);
  put_varint(out, static_cast<std::uint64_t>(value));
}

void put_bytes(std::string& out, int field, std::string_view bytes) {
  put_key(out, field, kBytes);
  put_varint(out, bytes.size());
  out += bytes;
}

// Fields of tensorflow.Event, Summary, Summary.Value, Summary.Image and SessionLog (TensorFlow's
// event.proto).
enum Event { kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5, kSessionLog = 7 };
enum Value { kTag = 1, kSimpleValue = 2, kImage = 4 };
enum Image { kHeight = 1, kWidth = 2, kColorspace = 3, kEncoded = 4 };
constexpr int kSessionStart = 1;

std::string event_at(std::int64_t step) {
  const double now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  std::string event;
  put_key(event, kWallTime, kFixed64);
  put_raw(event, now);
  put_int(event, kStep, step);
  return event;
}

std::string summary_event(std::int64_t step, const std::string& value) {
  std::string summary, event = event_at(step);
  put_bytes(summary, 1, value);
  put_bytes(event, kSummary, summary);
  return event;
}

std::uint32_t masked(std::uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xA282EAD8U; }

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> entries{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1U) != 0 ? 0x82F63B78U : 0U);
      entries[i] = value;
    }
    return entries;
  }();
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char byte : bytes) crc = table[(crc ^ static_cast<unsigned char>(byte)) & 0xFFU] ^ (crc >> 8);
  return crc ^ 0xFFFFFFFFU;
}

TensorBoard::TensorBoard(const std::filesystem::path& folder, std::int64_t first_step) {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '-';
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  path_ = folder / fmt::format("events.out.tfevents.{}.{}.{}", seconds, host.data(), ::getpid());
  stream_.open(path_, std::ios::binary | std::ios::app);
  if (!stream_) fail_input("cannot write {}", path_.string());
  std::string version = event_at(0);
  put_bytes(version, kFileVersion, "brain.Event:2");
  write(version);
  std::string start, session = event_at(first_step);
  put_int(start, 1, kSessionStart);
  put_bytes(session, kSessionLog, start);
  write(session);
  flush();
}

void TensorBoard::write(const std::string& event) {
  std::string record;
  put_raw(record, static_cast<std::uint64_t>(event.size()));
  put_raw(record, masked(crc32c(record)));
  record += event;
  put_raw(record, masked(crc32c(event)));
  stream_.write(record.data(), static_cast<std::streamsize>(record.size()));
}

void TensorBoard::scalar(const std::string& tag, std::int64_t step, double value) {
  std::string entry;
  put_bytes(entry, kTag, tag);
  put_key(entry, kSimpleValue, kFixed32);
  put_raw(entry, static_cast<float>(value));
  write(summary_event(step, entry));
}

void TensorBoard::picture(const std::string& tag, std::int64_t step, std::int64_t width, std::int64_t height,
                          const std::string& png) {
  std::string image, entry;
  put_int(image, kHeight, height);
  put_int(image, kWidth, width);
  put_int(image, kColorspace, 3);
  put_bytes(image, kEncoded, png);
  put_bytes(entry, kTag, tag);
  put_bytes(entry, kImage, image);
  write(summary_event(step, entry));
}

void TensorBoard::flush() {
  stream_.flush();
  if (!stream_) fail_runtime("writing {} failed: the disk may be full", path_.string());
}

}  // namespace renderfm::train
