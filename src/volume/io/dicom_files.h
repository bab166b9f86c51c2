// Where DICOM comes from: the files of a folder, of a zip (kept in memory, never unpacked to disk), or one
// file.
#pragma once

#include <filesystem>
#include <istream>
#include <memory>
#include <string>
#include <vector>

namespace renderfm {

/// One file that begins like DICOM.
struct DicomFile {
  std::string name;            ///< for messages
  std::filesystem::path path;  ///< empty for a file out of a zip
  std::shared_ptr<const std::string> bytes;

  std::unique_ptr<std::istream> open() const;
};

/// The DICOM files of a folder (with its subfolders) or zip in the order of their names, by content and not
/// by suffix. Throws kBadInput where there is none, or for a damaged, encrypted or oversized zip.
std::vector<DicomFile> dicom_files_in_folder(const std::filesystem::path& folder, bool recursive);
std::vector<DicomFile> dicom_files_in_zip(const std::filesystem::path& zip);

}  // namespace renderfm
