// One process at a time works on a case.
#pragma once

#include <filesystem>

namespace renderfm::data {

/// A lock that the system drops when its process ends, however it ends (flock). The file stays: removing it
/// would let two processes hold locks on two files of one name.
class CaseLock {
 public:
  /// Throws kRuntime where the file cannot be made.
  explicit CaseLock(const std::filesystem::path& file);
  ~CaseLock();
  CaseLock(const CaseLock&) = delete;
  CaseLock& operator=(const CaseLock&) = delete;

  /// False where another process holds it.
  bool try_lock();
  /// Waits.
  void lock();

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
};

}  // namespace renderfm::data
