#include "itk_reader.h"

#include <itkMetaImageIO.h>
#include <itkNrrdImageIO.h>

#include <algorithm>
#include <new>

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
    default: fail_input("{} holds voxels of a type that is not a real number; convert it to int16 or float32", name);
  }
}

// ITK's text is a page with source lines; the last description line is the reason.
std::string reason_of(const itk::ExceptionObject& error) {
  std::string text = error.GetDescription();
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  const auto colon = text.rfind("): ");
  return colon == std::string::npos ? text : text.substr(colon + 3);
}

// The image without its values, and how many time points the file has.
RawImage describe(const itk::ImageIOBase& io, const std::string& name, std::int64_t& time_points) {
  RawImage image;
  image.name = name;
  const unsigned dimensions = io.GetNumberOfDimensions();
  if (io.GetNumberOfComponents() != 1) {
    const bool color = io.GetPixelType() == itk::IOPixelEnum::RGB || io.GetPixelType() == itk::IOPixelEnum::RGBA ||
                       io.GetNumberOfComponents() == 3;
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
      fail_input("{}: the voxel size along axis {} is {} mm; it must be positive, so repair the header or export the "
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
  try {
    io->SetFileName(name);
    io->ReadImageInformation();
    std::int64_t time_points = 1;
    RawImage image = describe(*io, name, time_points);
    const int chosen = pick_time_point(time_points, time_point, name);
    report.add_fact("format", format == FileFormat::kNrrd ? "NRRD" : "MetaImage");

    itk::ImageIORegion region(io->GetNumberOfDimensions());
    for (unsigned axis = 0; axis < io->GetNumberOfDimensions(); ++axis) region.SetSize(axis, io->GetDimensions(axis));
    io->SetIORegion(region);
    const std::size_t volume_size = static_cast<std::size_t>(image.voxel_count()) * size_of(image.type);
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
