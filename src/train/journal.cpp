#include "renderfm/train/journal.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"

namespace renderfm::train {
namespace {

using Json = nlohmann::ordered_json;

std::string line_of(const Record& record) {
  Json line{{"step", record.step}, {"kind", record.kind}};
  for (const auto& [name, value] : record.values) line[name] = value;
  return line.dump() + "\n";
}

}  // namespace

double Record::value(const std::string& name) const {
  for (const auto& [key, number] : values) {
    if (key == name) return number;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

Journal::Journal(std::filesystem::path path, std::int64_t last_step) : path_(std::move(path)) {
  std::string kept;
  std::ifstream old(path_);
  for (std::string line; std::getline(old, line);) {
    const Json entry = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    // A process that was killed leaves half a line at the end.
    if (!entry.is_object() || !entry.contains("step") || !entry.at("step").is_number_integer()) continue;
    Record record{entry.at("step").get<std::int64_t>(), entry.value("kind", ""), {}};
    if (record.step > last_step) continue;
    for (const auto& [key, value] : entry.items()) {
      if (key != "step" && value.is_number()) record.values.emplace_back(key, value.get<double>());
    }
    kept += line_of(record);
    records_.push_back(std::move(record));
  }
  old.close();
  AtomicFile file(path_);
  file.write(kept);
  file.commit();
  stream_.open(path_, std::ios::app);
  if (!stream_) fail_input("cannot write {}", path_.string());
}

void Journal::add(Record record) {
  stream_ << line_of(record) << std::flush;
  if (!stream_) fail_runtime("writing {} failed: the disk may be full", path_.string());
  records_.push_back(std::move(record));
}

}  // namespace renderfm::train
