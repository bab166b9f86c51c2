#include "itk_reader.h"

#include <itkMetaImageIO.h>
#include <itkNrrdImageIO.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <new>
#include <string_view>

namespace renderfm {
namespace fs = std::filesystem;
namespace {

VoxelType voxel_type(const itk::ImageIOBase& io, const std::string& name) {
  using Component = itk::IOComponentEnum;
  switch (io.GetComponentType()) {
    case Component::UCHAR: return VoxelType::kUint8;
    case Component::CHAR: return VoxelType::kInt8;
    case Component::USHORT: return VoxelType::kUint16;
    case Component::SHORT: return VoxelType::kInt16;
    case Component::UINT: return VoxelType::kUint32;
    case Component::INT: return VoxelType::kInt32;
    case Component::ULONG: return sizeof(long) == 8 ? VoxelType::kUint64 : VoxelType::kUint32;
    case Component::LONG: return sizeof(long) == 8 ? VoxelType::kInt64 : VoxelType::kInt32;
    case Component::ULONGLONG: return VoxelType::kUint64;
    case Component::LONGLONG: return VoxelType::kInt64;
    case Component::FLOAT: return VoxelType::kFloat32;
    case Component::DOUBLE: return VoxelType::kFloat64;
    default:
      fail_input("{} holds voxels of a type that is not a real number; convert it to int16 or float32", name);
  }
}

// ITK's text is a page of where it failed; its end is the reason.
std::string reason_of(const itk::ExceptionObject& error) {
  std::string text = error.GetDescription();
  std::replace(text.begin(), text.end(), '\n', ' ');
  for (const std::string_view mark : {"): ", "] "}) {
    if (const auto at = text.rfind(mark); at != std::string::npos) text = text.substr(at + mark.size());
  }
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

// What MetaIO itself does not check: it loops on a negative number of dimensions and fills with zeros what a
// file lacks.
struct MetaHeader {
  int dimensions = 0;
  bool compressed = false, text = false;
  std::uintmax_t compressed_size = 0;  ///< 0 where it is not given
  std::string data_file;
  std::uintmax_t header_size = 0;
};

MetaHeader read_meta_header(const fs::path& path) {
  constexpr int kMaxLines = 1000;
  std::ifstream stream(path, std::ios::binary);
  MetaHeader header;
  std::string line;
  for (int count = 0; count < kMaxLines && header.data_file.empty() && std::getline(stream, line); ++count) {
    const auto equals = line.find('=');
    if (equals == std::string::npos) continue;
    const auto word = [](const std::string& text) {
      const auto first = text.find_first_not_of(" \t\r");
      return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
    };
    const std::string key = word(line.substr(0, equals)), value = word(line.substr(equals + 1));
    const bool yes = value == "True" || value == "true" || value == "1";
    if (key == "NDims") header.dimensions = std::atoi(value.c_str());
    if (key == "CompressedData") header.compressed = yes;
    if (key == "CompressedDataSize") header.compressed_size = std::strtoull(value.c_str(), nullptr, 10);
    if (key == "BinaryData") header.text = !yes;
    if (key == "ElementDataFile") header.data_file = value;
  }
  header.header_size = stream ? static_cast<std::uintmax_t>(stream.tellg()) : 0;
  if (header.dimensions < 3 || header.dimensions > 4) {
    fail_input("{} is a {}-dimensional image; a volume of several slices is needed", path.string(),
               header.dimensions);
  }
  if (header.data_file.empty()) {
    fail_input("{} is cut short: its header does not say where the voxels are; copy or download it again",
               path.string());
  }
  return header;
}

void check_meta_image_is_whole(const MetaHeader& header, const fs::path& path, std::uintmax_t image_bytes) {
  if (header.text || (header.compressed && header.compressed_size == 0)) return;  // its size is not given
  if (header.data_file.starts_with("LIST") || header.data_file.find('%') != std::string::npos)
    return;  // many files
  const bool local =
      header.data_file == "LOCAL" || header.data_file == "Local" || header.data_file == "local";
  const fs::path data = local ? path : path.parent_path() / header.data_file;
  std::error_code error;
  if (!fs::exists(data, error)) {
    fail_input("{} names {} as its data, which does not exist; put it beside the header", path.string(),
               data.string());
  }
  const std::uintmax_t held = fs::file_size(data, error) - (local ? header.header_size : 0);
  const std::uintmax_t expected = header.compressed ? header.compressed_size : image_bytes;
  if (held < expected) {
    fail_input("{} is cut short: {} bytes of voxels where its header promises {}; copy or download it again",
               data.string(), held, expected);
  }
}

// The image without its values, and how many time points the file has.
RawImage describe(const itk::ImageIOBase& io, const std::string& name, std::int64_t& time_points) {
  RawImage image;
  image.name = name;
  const unsigned dimensions = io.GetNumberOfDimensions();
  if (io.GetNumberOfComponents() != 1) {
    const bool color = io.GetPixelType() == itk::IOPixelEnum::RGB ||
                       io.GetPixelType() == itk::IOPixelEnum::RGBA || io.GetNumberOfComponents() == 3;
    fail_input("{} {}; a scan with one value per voxel is needed", name,
               color ? std::string("is a colour (RGB) image")
                     : fmt::format("holds {} values per voxel", io.GetNumberOfComponents()));
  }
  if (dimensions < 3 || dimensions > 4) {
    fail_input("{} is a {}-dimensional image; a volume of several slices is needed", name, dimensions);
  }
  for (unsigned axis = 0; axis < 3; ++axis) {
    image.shape_zyx[2 - axis] = static_cast<std::int64_t>(io.GetDimensions(axis));
    const double spacing_mm = io.GetSpacing(axis);
    if (!(spacing_mm > 0)) {
      fail_input(
          "{}: the voxel size along axis {} is {} mm; it must be positive, so repair the header or export "
          "the "
          "scan again",
          name, axis + 1, spacing_mm);
    }
    const std::vector<double> direction = io.GetDirection(axis);
    for (unsigned row = 0; row < 3; ++row) {
      image.affine.columns_mm[static_cast<int>(row)][static_cast<int>(axis)] = direction[row] * spacing_mm;
    }
    image.affine.origin_mm[static_cast<int>(axis)] = io.GetOrigin(axis);
  }
  check_shape(image.shape_zyx, name);
  image.type = voxel_type(io, name);
  time_points = dimensions == 4 ? static_cast<std::int64_t>(io.GetDimensions(3)) : 1;
  return image;
}

}  // namespace

RawImage read_with_itk(const fs::path& path, FileFormat format, int time_point, ScanReport& report) {
  const std::string name = path.string();
  itk::ImageIOBase::Pointer io;
  if (format == FileFormat::kNrrd) {
    io = itk::NrrdImageIO::New().GetPointer();
  } else {
    io = itk::MetaImageIO::New().GetPointer();
  }
  MetaHeader meta;
  if (format == FileFormat::kMetaImage) meta = read_meta_header(path);
  try {
    io->SetFileName(name);
    io->ReadImageInformation();
    std::int64_t time_points = 1;
    RawImage image = describe(*io, name, time_points);
    const int chosen = pick_time_point(time_points, time_point, name);
    report.add_fact("format", format == FileFormat::kNrrd ? "NRRD" : "MetaImage");

    itk::ImageIORegion region(io->GetNumberOfDimensions());
    for (unsigned axis = 0; axis < io->GetNumberOfDimensions(); ++axis)
      region.SetSize(axis, io->GetDimensions(axis));
    io->SetIORegion(region);
    const std::size_t volume_size = static_cast<std::size_t>(image.voxel_count()) * size_of(image.type);
    if (format == FileFormat::kMetaImage) {
      check_meta_image_is_whole(meta, path, volume_size * static_cast<std::size_t>(time_points));
    }
    image.bytes.resize(volume_size * static_cast<std::size_t>(time_points));
    io->Read(image.bytes.data());
    if (time_points > 1) {
      report.add_fact("time_points", std::to_string(time_points));
      report.add_fact("time_point", std::to_string(chosen));
      if (time_point < 0) {
        report.add_repair("time_point", fmt::format("{} has {} time points; the first was taken (choose with "
                                                    "--timepoint 0 to {})",
                                                    name, time_points, time_points - 1));
      }
      const auto first = image.bytes.begin() + static_cast<std::ptrdiff_t>(volume_size) * chosen;
      std::copy_n(first, volume_size, image.bytes.begin());
      image.bytes.resize(volume_size);
    }
    return image;
  } catch (const itk::ExceptionObject& error) {
    fail_input("{} cannot be read, so it is damaged or cut short ({}); copy or export it again", name,
               reason_of(error));
  } catch (const std::bad_alloc&) {
    fail_input("{}: the header asks for more memory than there is; export the scan again", name);
  }
}

}  // namespace renderfm
