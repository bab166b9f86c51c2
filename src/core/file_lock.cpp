#include "renderfm/core/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "renderfm/core/check.h"

namespace renderfm {

FileLock::FileLock(const std::filesystem::path& file)
    : file_(file), descriptor_(::open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) fail_runtime("cannot make the lock {}: {}", file.string(), std::strerror(errno));
}

FileLock::~FileLock() { ::close(descriptor_); }

bool FileLock::try_lock() {
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  fail_runtime("cannot lock {}: {}; the file system must support locks", file_.string(),
               std::strerror(errno));
}

void FileLock::lock() {
  while (::flock(descriptor_, LOCK_EX) != 0) {
    if (errno != EINTR) fail_runtime("cannot lock {}: {}", file_.string(), std::strerror(errno));
  }
}

void FileLock::sign() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  const std::string text = fmt::format("process {} on {}\n", ::getpid(), host.data());
  if (::ftruncate(descriptor_, 0) != 0 || ::pwrite(descriptor_, text.data(), text.size(), 0) < 0) {
    fail_runtime("cannot write {}: {}", file_.string(), std::strerror(errno));
  }
}

std::string FileLock::holder() const {
  std::ifstream stream(file_);
  std::string line;
  return std::getline(stream, line) && !line.empty() ? line : "another process";
}

}  // namespace renderfm
