#include "dicom_pixels.h"

#include <gdcmPixmapReader.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <limits>
#include <map>
#include <string_view>

#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/core/progress.h"
#include "renderfm/volume/volume.h"

namespace renderfm {
namespace {

// Transfer syntaxes that GDCM cannot decode (DICOM PS3.6, table A-1).
constexpr std::array<std::pair<std::string_view, std::string_view>, 13> kUnsupported{{
    {"1.2.840.10008.1.2.4.201", "HTJ2K lossless"},
    {"1.2.840.10008.1.2.4.202", "HTJ2K lossless RPCL"},
    {"1.2.840.10008.1.2.4.203", "HTJ2K"},
    {"1.2.840.10008.1.2.4.204", "JPIP HTJ2K referenced"},
    {"1.2.840.10008.1.2.4.205", "JPIP HTJ2K referenced deflate"},
    {"1.2.840.10008.1.2.4.110", "JPEG XL lossless"},
    {"1.2.840.10008.1.2.4.111", "JPEG XL recompressed JPEG"},
    {"1.2.840.10008.1.2.4.112", "JPEG XL"},
    {"1.2.840.10008.1.2.4.94", "JPIP referenced"},
    {"1.2.840.10008.1.2.4.95", "JPIP referenced deflate"},
    {"1.2.840.10008.1.2.4.100", "MPEG-2 video"},
    {"1.2.840.10008.1.2.4.102", "MPEG-4 video"},
    {"1.2.840.10008.1.2.4.107", "HEVC video"},
}};

std::string_view unsupported_name(std::string_view transfer_syntax) {
  for (const auto& [uid, name] : kUnsupported) {
    if (uid == transfer_syntax) return name;
  }
  return {};
}

struct PaddingRange {
  bool used = false;
  std::int64_t low = 0, high = 0;
};

// Padding that would be read as tissue is more likely a wrong tag than padding: it is left alone.
PaddingRange padding_of(const DicomSlice& slice) {
  if (!slice.has_padding) return {};
  const double low_hu = slice.slope * static_cast<double>(slice.padding_low) + slice.intercept;
  const double high_hu = slice.slope * static_cast<double>(slice.padding_high) + slice.intercept;
  const bool below = std::max(low_hu, high_hu) < -1000;
  const bool above = std::min(low_hu, high_hu) > kMaxHu;
  return {below || above, slice.padding_low, slice.padding_high};
}

// Returns the number of padding pixels.
template <class T>
std::int64_t rescale(const T* stored, const DicomSlice& slice, std::int16_t* hu, std::int64_t count) {
  const PaddingRange padding = padding_of(slice);
  // Signed values of fewer bits than their word, stored without extending the sign.
  const std::int64_t sign =
      slice.is_signed && slice.bits_stored > 0 && slice.bits_stored < static_cast<int>(8 * sizeof(T))
          ? std::int64_t{1} << (slice.bits_stored - 1)
          : 0;
  std::int64_t padded = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    auto value = static_cast<std::int64_t>(stored[i]);
    if (sign != 0 && value >= sign && value < 2 * sign) value -= 2 * sign;
    if (padding.used && value >= padding.low && value <= padding.high) {
      hu[i] = kMinHu;
      ++padded;
      continue;
    }
    const double scaled = slice.slope * static_cast<double>(value) + slice.intercept;
    hu[i] = static_cast<std::int16_t>(std::lrint(std::clamp<double>(
        scaled, std::numeric_limits<std::int16_t>::min(), std::numeric_limits<std::int16_t>::max())));
  }
  return padded;
}

[[noreturn]] void fail_decode(const std::string& file, const std::string& transfer_syntax) {
  fail_input(
      "{}: the pixels cannot be decoded (transfer syntax {}), so the file is damaged or cut short; copy or "
      "export it again",
      file, transfer_syntax.empty() ? "unknown" : transfer_syntax);
}

bool is_native(std::string_view transfer_syntax) {
  return transfer_syntax == "1.2.840.10008.1.2" || transfer_syntax == "1.2.840.10008.1.2.1" ||
         transfer_syntax == "1.2.840.10008.1.2.2";
}

// GDCM fills up what a file lacks. Native pixels have a known size; compressed ones end in a sequence
// delimiter.
bool is_whole(std::istream& stream, const DicomSlice& slice, std::size_t native_size) {
  stream.clear();
  stream.seekg(0, std::ios::end);
  const auto left = static_cast<std::int64_t>(stream.tellg()) - slice.pixel_offset;
  if (is_native(slice.transfer_syntax)) return left >= static_cast<std::int64_t>(native_size);
  if (!slice.transfer_syntax.starts_with("1.2.840.10008.1.2.4.") &&
      slice.transfer_syntax != "1.2.840.10008.1.2.5") {
    return true;  // deflated: zlib has its own end
  }
  constexpr std::int64_t kTail = 1 << 20;  // elements behind the pixels are small
  std::string tail(static_cast<std::size_t>(std::clamp<std::int64_t>(left, 0, kTail)), '\0');
  stream.seekg(-static_cast<std::streamoff>(tail.size()), std::ios::end);
  stream.read(tail.data(), static_cast<std::streamsize>(tail.size()));
  return tail.find("\xFE\xFF\xDD\xE0") != std::string::npos;
}

std::vector<char> decode(const DicomFile& file, const DicomSlice& slice,
                         gdcm::PixelFormat::ScalarType& type) {
  const auto stream = file.open();
  std::vector<char> buffer;
  try {
    gdcm::PixmapReader reader;
    reader.SetStream(*stream);
    if (!reader.Read()) fail_decode(file.name, slice.transfer_syntax);
    const gdcm::Pixmap& pixmap = reader.GetPixmap();
    buffer.resize(pixmap.GetBufferLength());
    if (buffer.empty() || !pixmap.GetBuffer(buffer.data())) fail_decode(file.name, slice.transfer_syntax);
    type = pixmap.GetPixelFormat().GetScalarType();
    if (!is_whole(*stream, slice, buffer.size())) fail_decode(file.name, slice.transfer_syntax);
  } catch (const Error&) {
    throw;
  } catch (const std::exception&) {
    fail_decode(file.name, slice.transfer_syntax);
  }
  return buffer;
}

std::int64_t rescale_frame(const std::vector<char>& buffer, gdcm::PixelFormat::ScalarType type,
                           const DicomSlice& slice, const std::string& file, std::int16_t* hu) {
  const std::int64_t count = slice.rows * slice.columns;
  const auto frame = [&]<class T>(const T*) {
    const std::size_t first =
        static_cast<std::size_t>(slice.frame) * static_cast<std::size_t>(count) * sizeof(T);
    if (first + static_cast<std::size_t>(count) * sizeof(T) > buffer.size())
      fail_decode(file, slice.transfer_syntax);
    return rescale(reinterpret_cast<const T*>(buffer.data() + first), slice, hu, count);
  };
  switch (type) {
    case gdcm::PixelFormat::UINT8: return frame(static_cast<const std::uint8_t*>(nullptr));
    case gdcm::PixelFormat::INT8: return frame(static_cast<const std::int8_t*>(nullptr));
    case gdcm::PixelFormat::UINT16: return frame(static_cast<const std::uint16_t*>(nullptr));
    case gdcm::PixelFormat::INT16: return frame(static_cast<const std::int16_t*>(nullptr));
    case gdcm::PixelFormat::UINT32: return frame(static_cast<const std::uint32_t*>(nullptr));
    case gdcm::PixelFormat::INT32: return frame(static_cast<const std::int32_t*>(nullptr));
    default:
      fail_input(
          "{}: its pixels are not whole numbers of 8, 16 or 32 bits; convert the series to 16-bit DICOM",
          file);
  }
}

}  // namespace

void fail_transfer_syntax(const std::string& file, const std::string& transfer_syntax) {
  const std::string_view name = unsupported_name(transfer_syntax);
  fail_input(
      "{} is compressed with the transfer syntax {}{}, which cannot be decoded here; convert the series to "
      "Explicit VR Little Endian first (for instance with pydicom and pylibjpeg-openjpeg: "
      "python -c \"import pydicom, sys; d = pydicom.dcmread(sys.argv[1]); d.decompress(); "
      "d.save_as(sys.argv[2])\" in.dcm out.dcm)",
      file, transfer_syntax, name.empty() ? "" : fmt::format(" ({})", name));
}

std::vector<std::int16_t> read_pixels(const std::vector<DicomFile>& files, const SliceStack& stack,
                                      std::int64_t& padding_voxels) {
  const std::int64_t slice_size = stack.front().rows * stack.front().columns;
  std::map<std::size_t, std::vector<std::size_t>> slices_of_file;
  for (std::size_t i = 0; i < stack.size(); ++i) {
    if (!unsupported_name(stack[i].transfer_syntax).empty()) {
      fail_transfer_syntax(files[stack[i].file].name, stack[i].transfer_syntax);
    }
    slices_of_file[stack[i].file].push_back(i);
  }
  const std::vector<std::pair<std::size_t, std::vector<std::size_t>>> work(slices_of_file.begin(),
                                                                           slices_of_file.end());
  std::vector<std::int16_t> hu(static_cast<std::size_t>(slice_size) * stack.size());
  std::atomic<std::int64_t> padded{0};
  Progress progress("Reading slices", static_cast<std::int64_t>(stack.size()));
  parallel_for(0, static_cast<std::int64_t>(work.size()), 1, [&](std::int64_t first, std::int64_t last) {
    for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
      const auto& [file, slices] = work[i];
      gdcm::PixelFormat::ScalarType type{};
      const std::vector<char> buffer = decode(files[file], stack[slices.front()], type);
      for (const std::size_t slice : slices) {
        padded += rescale_frame(buffer, type, stack[slice], files[file].name,
                                hu.data() + static_cast<std::int64_t>(slice) * slice_size);
      }
      progress.advance(static_cast<std::int64_t>(slices.size()));
    }
  });
  padding_voxels += padded;
  return hu;
}

}  // namespace renderfm
