#include "dicom_header.h"

#include <gdcmGlobal.h>
#include <gdcmReader.h>
#include <gdcmSequenceOfItems.h>
#include <gdcmTrace.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>

#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"

namespace renderfm {
namespace {

using gdcm::DataSet;
using gdcm::Tag;

const gdcm::ByteValue* bytes_of(const DataSet& data, Tag tag) {
  return data.FindDataElement(tag) ? data.GetDataElement(tag).GetByteValue() : nullptr;
}

std::string text_of(const DataSet& data, Tag tag) {
  const gdcm::ByteValue* bytes = bytes_of(data, tag);
  if (bytes == nullptr) return {};
  std::string text(bytes->GetPointer(), bytes->GetLength());
  text.resize(std::strlen(text.c_str()));  // padding is a zero byte or a blank
  const auto first = text.find_first_not_of(' ');
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// Decimal strings: "1.5\2.5".
std::vector<double> numbers_of(const DataSet& data, Tag tag) {
  std::vector<double> numbers;
  const std::string text = text_of(data, tag);
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\\', at), text.size());
    std::size_t first = text.find_first_not_of(' ', at);
    if (first != std::string::npos && first < end && text[first] == '+') ++first;
    double value = 0;
    const auto parsed = std::from_chars(text.data() + std::min(first, end), text.data() + end, value);
    if (parsed.ec != std::errc() || !std::isfinite(value)) return {};
    numbers.push_back(value);
    at = end + 1;
  }
  return numbers;
}

std::int64_t whole_number_of(const DataSet& data, Tag tag, std::int64_t fallback) {
  const std::vector<double> numbers = numbers_of(data, tag);
  return numbers.empty() || std::abs(numbers[0]) > 9e15 ? fallback : static_cast<std::int64_t>(numbers[0]);
}

// Binary short, which GDCM has brought to our byte order.
std::optional<std::uint16_t> short_of(const DataSet& data, Tag tag) {
  const gdcm::ByteValue* bytes = bytes_of(data, tag);
  if (bytes == nullptr || bytes->GetLength() < 2) return std::nullopt;
  std::uint16_t value = 0;
  std::memcpy(&value, bytes->GetPointer(), 2);
  return value;
}

std::string unsigned_long_as_text(const DataSet& data, Tag tag) {
  const gdcm::ByteValue* bytes = bytes_of(data, tag);
  if (bytes == nullptr || bytes->GetLength() < 4) return {};
  std::uint32_t value = 0;
  std::memcpy(&value, bytes->GetPointer(), 4);
  return std::to_string(value);
}

gdcm::SmartPointer<gdcm::SequenceOfItems> sequence_of(const DataSet& data, Tag tag) {
  if (!data.FindDataElement(tag)) return nullptr;
  return data.GetDataElement(tag).GetValueAsSQ();
}

// Calls visit(data set of the first item) where the sequence exists.
template <class Visit>
void in_first_item(const DataSet& data, Tag tag, const Visit& visit) {
  const auto sequence = sequence_of(data, tag);
  if (sequence && sequence->GetNumberOfItems() > 0) visit(sequence->GetItem(1).GetNestedDataSet());
}

void read_position(const DataSet& data, DicomSlice& slice, bool& position, bool& orientation) {
  if (const auto p = numbers_of(data, Tag(0x0020, 0x0032)); p.size() >= 3) {
    slice.position_mm = {p[0], p[1], p[2]};
    position = true;
  }
  if (const auto a = numbers_of(data, Tag(0x0020, 0x0037)); a.size() >= 6) {
    const Vec3d row{a[0], a[1], a[2]}, column{a[3], a[4], a[5]};
    if (norm(cross(row, column)) > 0.9) {  // cosines may be rounded to a few digits, not more
      slice.row_axis = normalised(row);
      slice.column_axis = normalised(column - slice.row_axis * dot(slice.row_axis, column));
      orientation = true;
    }
  }
}

void read_spacing(const DataSet& data, DicomSlice& slice) {
  if (const auto s = numbers_of(data, Tag(0x0028, 0x0030)); s.size() >= 2) slice.spacing_mm = {s[1], s[0]};
}

void read_rescale(const DataSet& data, DicomSlice& slice) {
  if (const auto s = numbers_of(data, Tag(0x0028, 0x1053)); !s.empty() && s[0] != 0) slice.slope = s[0];
  if (const auto i = numbers_of(data, Tag(0x0028, 0x1052)); !i.empty()) slice.intercept = i[0];
}

// A functional group of an enhanced multi-frame image: shared by all frames, or a frame's own.
void read_functional_group(const DataSet& group, DicomSlice& slice, bool& position, bool& orientation) {
  in_first_item(group, Tag(0x0020, 0x9113),
                [&](const DataSet& d) { read_position(d, slice, position, orientation); });
  in_first_item(group, Tag(0x0020, 0x9116),
                [&](const DataSet& d) { read_position(d, slice, position, orientation); });
  in_first_item(group, Tag(0x0028, 0x9110), [&](const DataSet& d) { read_spacing(d, slice); });
  in_first_item(group, Tag(0x0028, 0x9145), [&](const DataSet& d) { read_rescale(d, slice); });
  in_first_item(group, Tag(0x0020, 0x9111), [&](const DataSet& d) {
    const std::string temporal = unsigned_long_as_text(d, Tag(0x0020, 0x9128));
    const std::string stack = text_of(d, Tag(0x0020, 0x9056));
    if (!temporal.empty()) slice.volume_keys[0] = temporal;
    if (!stack.empty()) slice.volume_keys[3] = stack;
  });
  in_first_item(group, Tag(0x0018, 0x9329), [&](const DataSet& d) {  // CT image frame type
    if (const std::string type = text_of(d, Tag(0x0008, 0x9007)); !type.empty()) slice.image_type = type;
  });
}

void read_padding(const DataSet& data, DicomSlice& slice) {
  const auto low = short_of(data, Tag(0x0028, 0x0120));
  if (!low) return;
  const auto high = short_of(data, Tag(0x0028, 0x0121));
  const auto as_stored = [&](std::uint16_t value) -> std::int64_t {
    return slice.is_signed ? static_cast<std::int64_t>(static_cast<std::int16_t>(value)) : value;
  };
  slice.has_padding = true;
  slice.padding_low = as_stored(*low);
  slice.padding_high = as_stored(high.value_or(*low));
  if (slice.padding_low > slice.padding_high) std::swap(slice.padding_low, slice.padding_high);
}

std::vector<DicomSlice> slices_of(const DataSet& data, std::size_t file, const std::string& transfer_syntax) {
  DicomSlice slice;
  slice.file = file;
  slice.transfer_syntax = transfer_syntax;
  slice.sop_class = text_of(data, Tag(0x0008, 0x0016));
  slice.sop_instance = text_of(data, Tag(0x0008, 0x0018));
  slice.series_uid = text_of(data, Tag(0x0020, 0x000e));
  slice.series_description = text_of(data, Tag(0x0008, 0x103e));
  slice.modality = text_of(data, Tag(0x0008, 0x0060));
  slice.image_type = text_of(data, Tag(0x0008, 0x0008));
  slice.rows = short_of(data, Tag(0x0028, 0x0010)).value_or(0);
  slice.columns = short_of(data, Tag(0x0028, 0x0011)).value_or(0);
  slice.samples_per_pixel = short_of(data, Tag(0x0028, 0x0002)).value_or(1);
  slice.bits_stored = short_of(data, Tag(0x0028, 0x0101)).value_or(16);
  slice.is_signed = short_of(data, Tag(0x0028, 0x0103)).value_or(0) == 1;
  slice.instance_number = whole_number_of(data, Tag(0x0020, 0x0013), 0);
  slice.volume_keys[0] = text_of(data, Tag(0x0020, 0x0100));  // temporal position identifier
  slice.volume_keys[1] = text_of(data, Tag(0x0018, 0x1060));  // trigger time
  slice.volume_keys[2] = text_of(data, Tag(0x0020, 0x0012));  // acquisition number
  slice.volume_keys[4] = text_of(data, Tag(0x0018, 0x1210));  // convolution kernel
  bool position = false, orientation = false;
  read_position(data, slice, position, orientation);
  read_spacing(data, slice);
  read_rescale(data, slice);
  read_padding(data, slice);
  in_first_item(data, Tag(0x5200, 0x9229),
                [&](const DataSet& group) { read_functional_group(group, slice, position, orientation); });

  const auto per_frame = sequence_of(data, Tag(0x5200, 0x9230));
  const std::int64_t declared = whole_number_of(data, Tag(0x0028, 0x0008), 1);
  const std::int64_t frames = per_frame ? static_cast<std::int64_t>(per_frame->GetNumberOfItems()) : declared;
  std::vector<DicomSlice> slices;
  for (std::int64_t frame = 0; frame < std::clamp<std::int64_t>(frames, 1, 100'000); ++frame) {
    DicomSlice own = slice;
    own.frame = static_cast<int>(frame);
    bool own_position = position && frames == 1, own_orientation = orientation;
    if (per_frame) {
      read_functional_group(per_frame->GetItem(static_cast<std::size_t>(frame) + 1).GetNestedDataSet(), own,
                            own_position, own_orientation);
      own.instance_number = frame;
    }
    own.has_position = own_position && own_orientation && own.spacing_mm[0] > 0 && own.spacing_mm[1] > 0;
    slices.push_back(std::move(own));
  }
  return slices;
}

// The transfer syntax out of the file's meta header, for files whose body GDCM cannot parse. The meta header
// is always explicit little endian.
std::string transfer_syntax_in(std::istream& stream) {
  std::string start(4096, '\0');
  stream.clear();
  stream.seekg(0);
  stream.read(start.data(), static_cast<std::streamsize>(start.size()));
  start.resize(static_cast<std::size_t>(std::max<std::streamsize>(0, stream.gcount())));
  constexpr char kElement[] = {0x02, 0x00, 0x10, 0x00, 'U', 'I'};
  const auto at = start.find(std::string(kElement, sizeof(kElement)));
  if (at == std::string::npos || at + 8 > start.size()) return {};
  const auto length = static_cast<std::size_t>(static_cast<unsigned char>(start[at + 6])) +
                      256 * static_cast<std::size_t>(static_cast<unsigned char>(start[at + 7]));
  const std::string uid = start.substr(at + 8, length);
  return uid.c_str();  // drops the padding zero
}

// GDCM ends the program on some damaged meta headers, so they are walked first: elements of group 0002,
// explicit little endian, each within the file, and a data set behind them.
bool has_sound_meta_header(std::istream& stream) {
  std::string start(1 << 16, '\0');
  stream.read(start.data(), static_cast<std::streamsize>(start.size()));
  start.resize(static_cast<std::size_t>(std::max<std::streamsize>(0, stream.gcount())));
  stream.clear();
  stream.seekg(0);
  const auto byte = [&](std::size_t at) {
    return static_cast<std::size_t>(static_cast<unsigned char>(start[at]));
  };
  const auto short_at = [&](std::size_t at) { return byte(at) | (byte(at + 1) << 8); };
  if (start.size() < 132 || start.compare(128, 4, "DICM") != 0) return start.size() > 8;
  std::size_t at = 132;
  bool has_syntax = false;
  while (at + 8 <= start.size() && short_at(at) == 2) {
    const std::string vr = start.substr(at + 4, 2);
    const bool is_long = vr == "OB" || vr == "OW" || vr == "UN" || vr == "SQ" || vr == "UT";
    constexpr std::array<const char*, 8> kShort{"UL", "UI", "SH", "AE", "LO", "CS", "ST", "US"};
    const bool is_short = std::find(kShort.begin(), kShort.end(), vr) != kShort.end();
    if ((!is_long && !is_short) || at + 12 > start.size()) return false;
    const std::size_t length = is_long ? short_at(at + 8) | (short_at(at + 10) << 16) : short_at(at + 6);
    const std::size_t value = at + (is_long ? 12 : 8);
    if (length > start.size() - value) return false;
    has_syntax |= short_at(at + 2) == 0x0010;
    at = value + length;
  }
  return has_syntax && at + 8 <= start.size();
}

struct FileHeaders {
  std::vector<DicomSlice> slices;
  bool readable = false;
  std::string transfer_syntax;
};

FileHeaders read_one(const DicomFile& file, std::size_t index) {
  FileHeaders result;
  const auto stream = file.open();
  if (!has_sound_meta_header(*stream)) return result;
  try {
    gdcm::Reader reader;
    reader.SetStream(*stream);
    // Skipping the pixel data leaves the stream at its first byte.
    const Tag pixels(0x7fe0, 0x0010);
    if (reader.ReadUpToTag(pixels, {pixels})) {
      const gdcm::TransferSyntax syntax = reader.GetFile().GetHeader().GetDataSetTransferSyntax();
      result.transfer_syntax = syntax.IsValid() ? syntax.GetString() : "";
      result.slices = slices_of(reader.GetFile().GetDataSet(), index, result.transfer_syntax);
      const auto offset = static_cast<std::int64_t>(stream->tellg());
      for (DicomSlice& slice : result.slices) slice.pixel_offset = std::max<std::int64_t>(0, offset);
      result.readable = true;
    }
  } catch (const std::exception&) {
    result.readable = false;
  }
  if (!result.readable) result.transfer_syntax = transfer_syntax_in(*stream);
  return result;
}

}  // namespace

DicomHeaders read_dicom_headers(const std::vector<DicomFile>& files) {
  gdcm::Trace::SetWarning(false);
  gdcm::Trace::SetError(false);
  gdcm::Trace::SetDebug(false);
  gdcm::Global::GetInstance();  // its dictionaries are built once, before the threads
  std::vector<FileHeaders> found(files.size());
  parallel_for(0, static_cast<std::int64_t>(files.size()), 4, [&](std::int64_t first, std::int64_t last) {
    for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
      found[i] = read_one(files[i], i);
    }
  });
  DicomHeaders headers;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (found[i].readable) {
      std::move(found[i].slices.begin(), found[i].slices.end(), std::back_inserter(headers.slices));
      continue;
    }
    ++headers.unreadable_count;
    if (headers.unreadable_file.empty()) headers.unreadable_file = files[i].name;
    auto& syntaxes = headers.unreadable_syntaxes;
    if (std::find(syntaxes.begin(), syntaxes.end(), found[i].transfer_syntax) == syntaxes.end()) {
      syntaxes.push_back(found[i].transfer_syntax);
    }
  }
  return headers;
}

}  // namespace renderfm
