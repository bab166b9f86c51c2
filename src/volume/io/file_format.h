// What a file is, by its first bytes; suffixes lie.
#pragma once

#include <filesystem>

namespace renderfm {

enum class FileFormat { kNifti, kNrrd, kMetaImage, kDicom, kZip, kFolder };

/// Throws kBadInput where the path is missing, empty, unreadable or nothing that can be read here.
FileFormat detect_format(const std::filesystem::path& path);

}  // namespace renderfm
