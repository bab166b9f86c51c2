// Scans written by a Python script, kept in the build folder until the script changes: every test case is a
// process of its own, and the script takes seconds.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "renderfm/core/check.h"
#include "renderfm/volume/image_io.h"

namespace renderfm::test {

inline std::string python() {
  const char* const named = std::getenv("RENDERFM_PYTHON");
  return named != nullptr ? named : RENDERFM_SOURCE_DIR "/.venv/bin/python";
}

inline bool python_has(const std::string& modules) {
  return std::system((python() + " -c 'import " + modules + "' 2>/dev/null").c_str()) == 0;
}

/// The folder that `script OUT` filled. Read-only: what a test writes goes to a ScratchFolder.
class ScanFiles {
 public:
  explicit ScanFiles(const std::string& script) {
    namespace fs = std::filesystem;
    const std::string path = RENDERFM_SOURCE_DIR "/tests/support/" + script;
    std::ifstream stream(path);
    std::stringstream text;
    text << stream.rdbuf();
    folder_ = fs::path(RENDERFM_SCRATCH_DIR) /
              fmt::format("{}_{:016x}", script, std::hash<std::string>{}(text.str()));
    std::error_code error;
    if (fs::exists(folder_, error)) return;
    // Complete under another name first: several test processes may come here at once.
    const fs::path unfinished = folder_.string() + fmt::format(".{}", ::getpid());
    fs::create_directories(unfinished);
    complete_ = std::system(fmt::format("{} {} {}", python(), path, unfinished.string()).c_str()) == 0;
    if (complete_) fs::rename(unfinished, folder_, error);
    fs::remove_all(unfinished, error);
  }

  bool complete() const { return complete_; }
  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }

 private:
  std::filesystem::path folder_;
  bool complete_ = true;
};

/// Empty at the start, gone at the end.
class ScratchFolder {
 public:
  ScratchFolder()
      : folder_(std::filesystem::temp_directory_path() / fmt::format("renderfm_test_{}", ::getpid())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }

 private:
  std::filesystem::path folder_;
};

/// A world position in LPS mm and the value there.
struct Probe {
  Vec3d point_mm;
  double value;
};

inline std::vector<Probe> read_probes(const std::filesystem::path& path) {
  std::ifstream stream(path);
  std::vector<Probe> probes;
  for (Probe p{}; stream >> p.point_mm.x >> p.point_mm.y >> p.point_mm.z >> p.value;) probes.push_back(p);
  return probes;
}

inline bool has_repair(const ScanReport& report, const std::string& code) {
  for (const Repair& repair : report.repairs) {
    if (repair.code == code) return true;
  }
  return false;
}

/// What went wrong, with its exit code: "2 scan.nii is empty; ..."; "" where nothing did.
template <class Action>
std::string error_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return fmt::format("{} {}", static_cast<int>(error.kind()), error.what());
  }
  return "";
}

}  // namespace renderfm::test
