// The numbers of a run: metrics.jsonl is their home; TensorBoard events and a curve as SVG follow from them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace renderfm::train {

struct Record {
  std::int64_t step = 0;
  std::string kind;  ///< "train" or "validation"
  std::vector<std::pair<std::string, double>> values;

  /// NaN where there is none.
  double value(const std::string& name) const;
};

/// One JSON object a line: {"step": 10, "kind": "train", "loss": 0.1, ...}.
class Journal {
 public:
  /// Reads what is there up to and with `last_step`, and cuts the file off behind it, so that a resumed run
  /// goes on where its checkpoint stands.
  Journal(std::filesystem::path path, std::int64_t last_step);

  void add(Record record);
  const std::vector<Record>& records() const { return records_; }

 private:
  std::filesystem::path path_;
  std::vector<Record> records_;
  std::ofstream stream_;
};

/// Loss of every record and validation PSNR over the steps, as one SVG. Atomic.
void write_curve(const std::vector<Record>& records, const std::string& title,
                 const std::filesystem::path& path);

}  // namespace renderfm::train
