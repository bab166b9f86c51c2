#include "renderfm/core/memory.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace renderfm {
namespace {

constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::max();

// The machine's, from the kernel's own estimate, which counts reclaimable caches as free.
std::int64_t machine_bytes() {
  std::ifstream file("/proc/meminfo");
  for (std::string name, unit; file >> name;) {
    std::int64_t kilobytes = 0;
    if (!(file >> kilobytes)) break;
    std::getline(file, unit);
    if (name == "MemAvailable:") return kilobytes * 1024;
  }
  return kUnknown;
}

std::int64_t number_in(const char* path) {
  std::ifstream file(path);
  std::int64_t value = 0;
  return file >> value ? value : -1;  // "max" is no number: no limit
}

std::int64_t control_group_bytes() {
  const std::int64_t limit = number_in("/sys/fs/cgroup/memory.max");
  const std::int64_t used = number_in("/sys/fs/cgroup/memory.current");
  return limit < 0 || used < 0 ? kUnknown : std::max<std::int64_t>(0, limit - used);
}

}  // namespace

std::int64_t available_memory_bytes() { return std::min(machine_bytes(), control_group_bytes()); }

}  // namespace renderfm
