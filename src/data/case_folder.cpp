#include "data/case_folder.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

#include "data/case_json.h"
#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/core/log.h"

namespace renderfm::data {
namespace {

namespace fs = std::filesystem;

// First line the fingerprint, second the source.
constexpr const char* kMark = ".unfinished";

std::string read_text(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

bool is_temporary(const fs::path& file) {
  const std::string name = file.filename().string();
  return name.front() == '.' && name.find(".tmp") != std::string::npos;
}

/// True also for what a process left that was killed before the mark stood.
bool holds_nothing(const fs::path& folder) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (!is_temporary(entry.path())) return false;
  }
  return !error;
}

}  // namespace

void remove_temporaries(const fs::path& folder) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (is_temporary(entry.path())) fs::remove(entry.path(), error);
  }
}

FolderState folder_state(const fs::path& folder, const std::string& fingerprint) {
  std::error_code error;
  if (!fs::exists(folder, error)) return FolderState::kAbsent;
  if (is_case(folder)) {
    try {
      const fs::path manifest = folder / "case.json";
      const CaseInfo info = case_from_json(read_text(manifest), manifest.string());
      return info.plan == fingerprint ? FolderState::kFinished : FolderState::kOther;
    } catch (const Error&) {
      return FolderState::kOther;
    }
  }
  if (fs::exists(folder / kMark, error)) {
    const std::string mark = read_text(folder / kMark);
    return mark.substr(0, mark.find('\n')) == fingerprint ? FolderState::kUnfinished : FolderState::kOther;
  }
  return fs::is_directory(folder, error) && holds_nothing(folder) ? FolderState::kAbsent
                                                                  : FolderState::kOther;
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail_input("the folder {} cannot be made: {}", folder.string(), error.message());
}

void empty_folder(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    fs::remove(folder, error);
    return;
  }
  std::vector<fs::path> entries;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) entries.push_back(entry.path());
  // The mark last: as long as anything is left, the folder is known for a half-written case.
  std::stable_partition(entries.begin(), entries.end(),
                        [](const fs::path& p) { return p.filename() != kMark; });
  for (const fs::path& entry : entries) {
    fs::remove_all(entry, error);
    if (error) fail_runtime("{} cannot be removed: {}", entry.string(), error.message());
  }
}

bool open_case_folder(const fs::path& folder, const std::string& fingerprint,
                      const std::string& source_sha256, bool maps) {
  make_folder(folder);
  const std::string mark = fingerprint + "\n" + source_sha256 + "\n";
  std::error_code error;
  const bool marked = fs::exists(folder / kMark, error);
  const bool same = marked && read_text(folder / kMark) == mark;
  if (!same) {
    if (marked) {
      log_warning("{}: the scan is not the one that the case was begun with; it is begun anew",
                  folder.string());
    }
    empty_folder(folder);
    AtomicFile file(folder / kMark);
    file.write(mark);
    file.commit();
  }
  remove_temporaries(folder);
  std::vector<const char*> parts{"views"};
  if (maps) parts.insert(parts.end(), {"alpha", "depth"});
  for (const char* const part : parts) {
    make_folder(folder / part);
    remove_temporaries(folder / part);
  }
  return same;
}

void close_case_folder(const fs::path& folder) {
  std::error_code error;
  fs::remove(folder / kMark, error);
}

}  // namespace renderfm::data
