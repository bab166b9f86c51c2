#include "dicom_files.h"

#include <unzip.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <streambuf>
#include <string_view>

#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"

namespace renderfm {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMaxFiles = 200'000;
constexpr std::uint64_t kMaxZipBytes = std::uint64_t{8} << 30;

// Reads a string in place.
class MemoryBuffer : public std::streambuf {
 public:
  explicit MemoryBuffer(const std::string& bytes) {
    char* first = const_cast<char*>(bytes.data());  // streambuf has no const form; nothing here writes
    setg(first, first, first + bytes.size());
  }

 protected:
  pos_type seekoff(off_type offset, std::ios_base::seekdir from, std::ios_base::openmode) override {
    const char* base = from == std::ios_base::beg ? eback() : (from == std::ios_base::cur ? gptr() : egptr());
    const off_type target = (base - eback()) + offset;
    if (target < 0 || target > egptr() - eback()) return pos_type(off_type(-1));
    setg(eback(), eback() + target, egptr());
    return pos_type(target);
  }
  pos_type seekpos(pos_type position, std::ios_base::openmode mode) override {
    return seekoff(off_type(position), std::ios_base::beg, mode);
  }
};

class MemoryStream : public std::istream {
 public:
  explicit MemoryStream(std::shared_ptr<const std::string> bytes)
      : std::istream(nullptr), bytes_(std::move(bytes)), buffer_(*bytes_) {
    rdbuf(&buffer_);
  }

 private:
  std::shared_ptr<const std::string> bytes_;
  MemoryBuffer buffer_;
};

// Part 10 files have a preamble and DICM; old ones start with group 0008 or 0002, little endian, and a VR or
// a short length.
bool begins_like_dicom(std::string_view start) {
  if (start.size() >= 132 && start.substr(128, 4) == "DICM") return true;
  if (start.size() < 132 || (start[0] != 8 && start[0] != 2) || start[1] != 0 || start[3] != 0) return false;
  const auto upper = [](char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; };
  return (upper(start[4]) && upper(start[5])) || (start[6] == 0 && start[7] == 0);
}

bool is_image_of_another_kind(std::string_view name) {
  for (const std::string_view suffix : {".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd"}) {
    if (name.ends_with(suffix)) return true;
  }
  return false;
}

[[noreturn]] void fail_no_dicom(const fs::path& path, const char* kind, const std::string& other_image) {
  if (!other_image.empty()) {
    fail_input("{} is a {} without DICOM images, but it holds {}; name that file instead{}", path.string(),
               kind, other_image, std::string_view(kind) == "zip" ? " (unpack the zip first)" : "");
  }
  fail_input("{} is a {} without DICOM images; name the folder that holds the slices, or an image file",
             path.string(), kind);
}

// Closes the zip whatever happens.
class ZipReader {
 public:
  explicit ZipReader(const fs::path& path) : name_(path.string()), file_(unzOpen64(path.c_str())) {
    if (file_ == nullptr) {
      fail_input("{} is a damaged or incomplete zip; copy or download it again", name_);
    }
  }
  ~ZipReader() { unzClose(file_); }
  ZipReader(const ZipReader&) = delete;
  ZipReader& operator=(const ZipReader&) = delete;

  // Calls visit(entry name, its bytes) for every file. Bytes are asked for in full only if wanted(name,
  // start).
  template <class Wanted, class Visit>
  void for_each(const Wanted& wanted, const Visit& visit) {
    std::uint64_t total = 0;
    std::size_t entries = 0;
    for (int code = unzGoToFirstFile(file_); code != UNZ_END_OF_LIST_OF_FILE; code = unzGoToNextFile(file_)) {
      check(code);
      if (++entries > kMaxFiles)
        fail_input("{} holds more than {} files; unpack only the scan", name_, kMaxFiles);
      unz_file_info64 info{};
      std::array<char, 4096> entry_name{};
      check(unzGetCurrentFileInfo64(file_, &info, entry_name.data(), entry_name.size() - 1, nullptr, 0,
                                    nullptr, 0));
      const std::string entry = entry_name.data();
      if (entry.ends_with('/') || entry.starts_with("__MACOSX/")) continue;
      if ((info.flag & 1) != 0) fail_input("{} is encrypted; unpack it with its password first", name_);
      check(unzOpenCurrentFile(file_));
      std::string bytes(static_cast<std::size_t>(std::min<std::uint64_t>(info.uncompressed_size, 132)), '\0');
      read(bytes, 0);
      if (wanted(entry, bytes)) {
        total += info.uncompressed_size;
        if (total > kMaxZipBytes) {
          fail_input("{} unpacks to more than {} GiB; unpack it and name the folder", name_,
                     kMaxZipBytes >> 30);
        }
        const std::size_t start = bytes.size();
        bytes.resize(static_cast<std::size_t>(info.uncompressed_size));
        read(bytes, start);
        check(unzCloseCurrentFile(file_));  // compares the checksum
        visit(entry, std::move(bytes));
      } else {
        unzCloseCurrentFile(file_);
      }
    }
  }

 private:
  void check(int code) const {
    if (code != UNZ_OK) fail_input("{} is a damaged or incomplete zip; copy or download it again", name_);
  }
  void read(std::string& bytes, std::size_t from) {
    constexpr std::size_t kPiece = std::size_t{1} << 24;
    while (from < bytes.size()) {
      const auto piece = static_cast<unsigned>(std::min(kPiece, bytes.size() - from));
      const int count = unzReadCurrentFile(file_, bytes.data() + from, piece);
      if (count <= 0) check(UNZ_ERRNO);
      from += static_cast<std::size_t>(count);
    }
  }

  std::string name_;
  unzFile file_;
};

}  // namespace

std::unique_ptr<std::istream> DicomFile::open() const {
  if (bytes) return std::make_unique<MemoryStream>(bytes);
  return std::make_unique<std::ifstream>(path, std::ios::binary);
}

std::vector<DicomFile> dicom_files_in_folder(const fs::path& folder, bool recursive) {
  std::vector<fs::path> paths;
  std::error_code error;
  const auto add = [&](const fs::directory_entry& entry) {
    std::error_code ignored;
    if (!entry.is_regular_file(ignored)) return;
    if (paths.size() >= kMaxFiles) {
      fail_input("{} holds more than {} files; name the folder of the scan alone", folder.string(),
                 kMaxFiles);
    }
    paths.push_back(entry.path());
  };
  constexpr auto kOptions = fs::directory_options::skip_permission_denied;
  if (recursive) {
    for (fs::recursive_directory_iterator it(folder, kOptions, error), end; !error && it != end;
         it.increment(error)) {
      add(*it);
    }
  } else {
    for (fs::directory_iterator it(folder, kOptions, error), end; !error && it != end; it.increment(error))
      add(*it);
  }
  if (error) fail_input("the folder {} cannot be read: {}", folder.string(), error.message());
  std::sort(paths.begin(), paths.end());

  std::vector<std::uint8_t> dicom(paths.size(), 0);
  parallel_for(0, static_cast<std::int64_t>(paths.size()), 16, [&](std::int64_t first, std::int64_t last) {
    for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
      std::array<char, 132> start{};
      std::ifstream stream(paths[i], std::ios::binary);
      stream.read(start.data(), start.size());
      dicom[i] = begins_like_dicom({start.data(), static_cast<std::size_t>(stream.gcount())}) ? 1 : 0;
    }
  });
  std::vector<DicomFile> files;
  std::string other_image;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (dicom[i] != 0 && paths[i].filename() != "DICOMDIR") {
      files.push_back({paths[i].string(), paths[i], nullptr});
    } else if (other_image.empty() && is_image_of_another_kind(paths[i].string())) {
      other_image = paths[i].string();
    }
  }
  if (files.empty()) fail_no_dicom(folder, "folder", other_image);
  return files;
}

std::vector<DicomFile> dicom_files_in_zip(const fs::path& path) {
  ZipReader zip(path);
  std::vector<DicomFile> files;
  std::string other_image;
  const auto wanted = [&](const std::string& entry, std::string_view start) {
    if (other_image.empty() && is_image_of_another_kind(entry)) other_image = entry;
    return begins_like_dicom(start) && fs::path(entry).filename() != "DICOMDIR";
  };
  zip.for_each(wanted, [&](const std::string& entry, std::string bytes) {
    files.push_back({fmt::format("{} in {}", entry, path.string()),
                     {},
                     std::make_shared<const std::string>(std::move(bytes))});
  });
  if (files.empty()) fail_no_dicom(path, "zip", other_image);
  std::sort(files.begin(), files.end(),
            [](const DicomFile& a, const DicomFile& b) { return a.name < b.name; });
  return files;
}

}  // namespace renderfm
