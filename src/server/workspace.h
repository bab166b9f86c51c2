// The private folder of a server, gone when it ends, and how much of the disk it may use.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>

namespace renderfm::server {

/// `bytes` random bytes of the system as hexadecimal digits.
std::string random_hex(std::size_t bytes);

class Workspace {
 public:
  /// A new folder that only this user can enter, in the system's folder for temporary files. `limit` bytes of
  /// uploads at a time.
  explicit Workspace(std::uint64_t limit);
  ~Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path make_folder(const std::string& name);

  /// Sets room apart before a byte is written. Throws HttpError 507 where there is none.
  void reserve(std::uint64_t bytes);
  void release(std::uint64_t bytes);

 private:
  std::filesystem::path folder_;
  std::uint64_t limit_, used_ = 0;
  std::mutex mutex_;
};

}  // namespace renderfm::server
