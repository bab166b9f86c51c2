#include "server/workspace.h"

#include <fmt/core.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "renderfm/core/check.h"
#include "renderfm/server/http_message.h"

namespace renderfm::server {
namespace {

namespace fs = std::filesystem;

// What programs write beside an upload.
constexpr std::uint64_t kSpare = std::uint64_t{512} << 20;

}  // namespace

std::string random_hex(std::size_t bytes) {
  std::vector<unsigned char> random(bytes);
  if (::getrandom(random.data(), bytes, 0) != static_cast<ssize_t>(bytes)) {
    fail_runtime("the system gave no random numbers: {}", std::strerror(errno));
  }
  std::string text;
  for (const unsigned char byte : random) text += fmt::format("{:02x}", byte);
  return text;
}

Workspace::Workspace(std::uint64_t limit) : limit_(limit) {
  std::string pattern = (fs::temp_directory_path() / "renderfm-view-XXXXXX").string();
  const char* const made = ::mkdtemp(pattern.data());  // mode 0700
  if (made == nullptr) {
    fail_input("no folder can be made in {}: {}; name another by TMPDIR", fs::temp_directory_path().string(),
               std::strerror(errno));
  }
  folder_ = made;
}

Workspace::~Workspace() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

fs::path Workspace::make_folder(const std::string& name) {
  const fs::path folder = folder_ / name;
  if (::mkdir(folder.c_str(), S_IRWXU) != 0) {
    fail_runtime("{} cannot be made: {}", folder.string(), std::strerror(errno));
  }
  return folder;
}

void Workspace::reserve(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  std::error_code error;
  const fs::space_info space = fs::space(folder_, error);
  if (used_ + bytes > limit_ || (!error && space.available < bytes + kSpare)) {
    throw HttpError(507, "this server has no room for the file now; close a scan that is no longer needed");
  }
  used_ += bytes;
}

void Workspace::release(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  used_ -= bytes;
}

}  // namespace renderfm::server
