// One process at a time does what a file stands for.
#pragma once

#include <filesystem>
#include <string>

namespace renderfm {

/// A lock that the system drops when its process ends, however it ends (flock; over NFS 4, and Lustre mounted
/// with `flock`, it holds between machines too). The file stays: removing it would let two processes hold
/// locks on two files of one name.
class FileLock {
 public:
  /// Throws kRuntime where the file cannot be made.
  explicit FileLock(const std::filesystem::path& file);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  /// False where another process holds it. Throws kRuntime where the file system knows no locks.
  bool try_lock();
  /// Waits.
  void lock();

  /// Writes into the file which process holds it, for others to name.
  void sign();
  /// "process 12 on node7"; "another process" where nobody signed.
  std::string holder() const;

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
};

}  // namespace renderfm
