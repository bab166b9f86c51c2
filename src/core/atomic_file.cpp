#include "renderfm/core/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <set>
#include <string>

#include "renderfm/core/check.h"

namespace renderfm {
namespace fs = std::filesystem;
namespace {

std::mutex g_temporaries_mutex;
std::set<std::string> g_temporaries;

fs::path folder_of(const fs::path& target) {
  const fs::path folder = target.parent_path();
  return folder.empty() ? fs::path(".") : folder;
}

// out.nii.gz -> .out.1234.tmp.nii.gz: a library that looks at the suffix still sees the right one.
fs::path temporary_name(const fs::path& target) {
  const std::string name = target.filename().string();
  const auto dot = name.find('.', 1);
  const std::string stem = name.substr(0, dot);
  const std::string suffix = dot == std::string::npos ? "" : name.substr(dot);
  return folder_of(target) / fmt::format(".{}.{}.tmp{}", stem, ::getpid(), suffix);
}

}  // namespace

void check_writable(const fs::path& target) {
  const fs::path folder = folder_of(target);
  std::error_code ignored;
  if (target.filename().empty() || fs::is_directory(target, ignored)) {
    fail_input("cannot write {}: it is a folder; name a file", target.string());
  }
  if (!fs::is_directory(folder, ignored)) {
    fail_input("cannot write {}: the folder {} does not exist; create it first", target.string(),
               folder.string());
  }
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    fail_input("cannot write {}: the folder {} is not writable ({})", target.string(), folder.string(),
               std::strerror(errno));
  }
}

AtomicFile::AtomicFile(fs::path target) : target_(std::move(target)), temporary_(temporary_name(target_)) {
  check_writable(target_);
  {
    const std::lock_guard lock(g_temporaries_mutex);
    g_temporaries.insert(temporary_.string());
  }
  stream_.open(temporary_, std::ios::binary | std::ios::trunc);
  if (!stream_) {
    const int reason = errno;
    const std::lock_guard lock(g_temporaries_mutex);
    g_temporaries.erase(temporary_.string());
    fail_input("cannot write {}: {}", target_.string(), std::strerror(reason));
  }
}

AtomicFile::~AtomicFile() {
  stream_.close();
  const std::lock_guard lock(g_temporaries_mutex);
  g_temporaries.erase(temporary_.string());
  if (!committed_) ::unlink(temporary_.c_str());
}

void AtomicFile::write(const void* bytes, std::size_t size) {
  stream_.write(static_cast<const char*>(bytes), static_cast<std::streamsize>(size));
  if (!stream_) fail_runtime("writing {} failed: {}", target_.string(), std::strerror(errno));
}

void AtomicFile::commit() {
  errno = 0;
  stream_.close();
  if (!stream_) fail_runtime("writing {} failed: {}", target_.string(), std::strerror(errno));
  const int descriptor = ::open(temporary_.c_str(), O_RDONLY);
  const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
  const int reason = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (!synced) fail_runtime("writing {} failed: {}", target_.string(), std::strerror(reason));
  const std::lock_guard lock(g_temporaries_mutex);
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
    fail_runtime("writing {} failed: {}", target_.string(), std::strerror(errno));
  }
  committed_ = true;
}

void remove_temporary_files() noexcept {
  const std::lock_guard lock(g_temporaries_mutex);
  for (const std::string& path : g_temporaries) ::unlink(path.c_str());
}

}  // namespace renderfm
