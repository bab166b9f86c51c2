// What was read, and every repair that was made on the way, for the user and for --report.
#pragma once

#include <string>
#include <vector>

namespace renderfm {

/// One thing that was not as it should be and what was done about it.
struct Repair {
  std::string code;  ///< stable and machine-readable: "gantry_tilt", "missing_slices", "non_orthonormal_axes"
  std::string message;  ///< one plain sentence
};

/// Facts are name and value in the order they were found: ("format", "DICOM"), ("slices", "20").
struct ScanReport {
  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<Repair> repairs;

  void add_fact(std::string name, std::string value) {
    facts.emplace_back(std::move(name), std::move(value));
  }
  /// Also tells the user at once, as a warning.
  void add_repair(std::string code, std::string message);
  /// Takes over what was found of another file; `prefix` keeps its facts apart from ours.
  void append(const ScanReport& other, const std::string& prefix);
  std::string to_json() const;
};

}  // namespace renderfm
