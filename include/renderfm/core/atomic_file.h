// Files appear under their own name only when they are whole.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string_view>

namespace renderfm {

/// A file written under a temporary name beside its target and renamed by commit(). Without commit(), by an
/// exception or by Ctrl-C, the temporary file is removed and whatever stood at `target` is untouched.
class AtomicFile {
 public:
  /// Throws kBadInput where the folder does not exist or cannot be written.
  explicit AtomicFile(std::filesystem::path target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Where a library that insists on a file name may write; keeps the target's suffix.
  const std::filesystem::path& temporary_path() const { return temporary_; }

  /// Throws kRuntime when the disk is full or failing.
  void write(const void* bytes, std::size_t size);
  void write(std::string_view text) { write(text.data(), text.size()); }

  /// Flushes to disk and renames over the target; throws kRuntime on failure.
  void commit();

 private:
  std::filesystem::path target_, temporary_;
  std::ofstream stream_;
  bool committed_ = false;
};

/// Throws kBadInput now if a later AtomicFile(target) would: called before long work starts.
void check_writable(const std::filesystem::path& target);

/// Removes the temporary files of all living AtomicFiles; for the interrupt handler alone.
void remove_temporary_files() noexcept;

}  // namespace renderfm
