#include "data/case_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "renderfm/core/check.h"

namespace renderfm::data {

CaseLock::CaseLock(const std::filesystem::path& file)
    : file_(file), descriptor_(::open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) fail_runtime("cannot make the lock {}: {}", file.string(), std::strerror(errno));
}

CaseLock::~CaseLock() { ::close(descriptor_); }

bool CaseLock::try_lock() {
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  fail_runtime("cannot lock {}: {}; the file system must support locks", file_.string(),
               std::strerror(errno));
}

void CaseLock::lock() {
  while (::flock(descriptor_, LOCK_EX) != 0) {
    if (errno != EINTR) fail_runtime("cannot lock {}: {}", file_.string(), std::strerror(errno));
  }
}

}  // namespace renderfm::data
