#include "file_format.h"

#include <array>
#include <cctype>
#include <cstring>
#include <string>
#include <string_view>

#include "gzip_input.h"
#include "nifti_header.h"

namespace renderfm {
namespace fs = std::filesystem;
namespace {

// MetaImage headers are lines of "Key = value" that begin with one of these.
bool looks_like_meta_image(std::string_view text) {
  for (const std::string_view key : {"ObjectType", "NDims", "ObjectSubType", "Comment", "ID", "Name"}) {
    if (!text.starts_with(key)) continue;
    const auto line = text.substr(0, text.find('\n'));
    return line.find('=') != std::string_view::npos && text.find("NDims") != std::string_view::npos;
  }
  return false;
}

// Old DICOM without a preamble starts with the group 0008, little endian.
bool looks_like_bare_dicom(std::string_view bytes) {
  return bytes.size() > 8 && bytes[0] == 8 && bytes[1] == 0 && bytes[3] == 0 &&
         (std::isupper(static_cast<unsigned char>(bytes[4])) != 0 || bytes[6] == 0);
}

}  // namespace

FileFormat detect_format(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return FileFormat::kFolder;
  GzipInput input(path);
  std::array<std::uint8_t, 1024> start{};
  const std::size_t size = input.read_some(start.data(), start.size());
  const std::string_view text(reinterpret_cast<const char*>(start.data()), size);
  if (parse_nifti_header({start.data(), size})) return FileFormat::kNifti;
  if (!input.compressed()) {
    if (text.starts_with("NRRD0")) return FileFormat::kNrrd;
    if (text.starts_with("PK\x03\x04") || text.starts_with("PK\x05\x06")) return FileFormat::kZip;
    if (size >= 132 && text.substr(128, 4) == "DICM") return FileFormat::kDicom;
    if (looks_like_meta_image(text)) return FileFormat::kMetaImage;
    if (looks_like_bare_dicom(text)) return FileFormat::kDicom;
  }
  const bool nifti_name = path.string().find(".nii") != std::string::npos;
  fail_input(
      "{} is not an image that can be read here{}; give NIfTI, NRRD, MetaImage, or a DICOM folder or zip",
      path.string(), nifti_name ? ": it has no NIfTI header, so it is damaged or cut short" : "");
}

}  // namespace renderfm
