// Scans written by a Python script into a temporary folder, once per test program.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
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

/// The folder that `script OUT` filled; removed at the end.
class ScanFiles {
 public:
  explicit ScanFiles(const std::string& script)
      : folder_(std::filesystem::temp_directory_path() / fmt::format("renderfm_{}_{}", script, ::getpid())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    const std::string command =
        fmt::format("{} {}/tests/support/{} {}", python(), RENDERFM_SOURCE_DIR, script, folder_.string());
    complete_ = std::system(command.c_str()) == 0;
  }
  ~ScanFiles() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  ScanFiles(const ScanFiles&) = delete;
  ScanFiles& operator=(const ScanFiles&) = delete;

  bool complete() const { return complete_; }
  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }

 private:
  std::filesystem::path folder_;
  bool complete_ = false;
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
