#include "server/uploads.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <vector>

namespace renderfm::server {
namespace {

constexpr std::array<const char*, 4> kVolumes{".nii.gz", ".nii", ".nrrd", ".mha"};
constexpr std::array<const char*, 4> kGaussians{".ply", ".glb", ".spz", ".splat"};

bool ends_with(const std::string& name, const std::string& suffix) {
  return name.size() > suffix.size() && name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0;
}

template <class List>
std::string suffix_among(const List& list, const std::string& client_name) {
  std::string name = client_name;
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const char* suffix : list) {
    if (ends_with(name, suffix)) return suffix;
  }
  return "";
}

}  // namespace

std::string display_name(const std::string& client_name) {
  constexpr std::size_t kLongest = 120;
  std::string name = client_name.substr(client_name.find_last_of("/\\") + 1);
  std::erase_if(name, [](unsigned char c) { return c < ' ' || c == 127; });
  if (name.size() > kLongest) {
    std::size_t end = kLongest;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80)
      --end;  // not within a character
    name.resize(end);
  }
  return name.empty() ? "scan" : name;
}

std::string scan_suffix(const std::string& client_name) {
  for (const std::string& suffix :
       {suffix_among(kVolumes, client_name), suffix_among(kGaussians, client_name),
        suffix_among(std::array{".zip"}, client_name)}) {
    if (!suffix.empty()) return suffix;
  }
  throw HttpError(
      415, fmt::format("{} is no file that can be shown; choose a CT as .nii.gz, .nii, .nrrd, .mha or a "
                       ".zip of DICOM slices, or Gaussians as .ply, .glb, .spz or .splat",
                       display_name(client_name)));
}

std::string labels_suffix(const std::string& client_name) {
  const std::string suffix = suffix_among(kVolumes, client_name);
  if (!suffix.empty()) return suffix;
  throw HttpError(415,
                  fmt::format("{} cannot hold organ labels; choose one file as .nii.gz, .nii, .nrrd or .mha",
                              display_name(client_name)));
}

bool holds_gaussians(const std::string& name) { return !suffix_among(kGaussians, name).empty(); }

void store(Body& body, const std::filesystem::path& path) {
  const int fd =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
  if (fd < 0) throw HttpError(409, "the scan was closed, or this file of it is there already");
  try {
    std::vector<char> piece(std::size_t{1} << 18);
    while (const std::size_t count = body.read(piece.data(), piece.size())) {
      for (std::size_t done = 0; done < count;) {
        const ssize_t written = ::write(fd, piece.data() + done, count - done);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) throw HttpError(507, "the disk of the server is full");
        done += static_cast<std::size_t>(written);
      }
    }
  } catch (...) {
    ::close(fd);
    ::unlink(path.c_str());
    throw;
  }
  ::close(fd);
}

}  // namespace renderfm::server
