#include "renderfm/volume/scan_report.h"

#include <nlohmann/json.hpp>

#include "renderfm/core/log.h"

namespace renderfm {

void ScanReport::add_repair(std::string code, std::string message) {
  log_warning("{}", message);
  repairs.push_back({std::move(code), std::move(message)});
}

void ScanReport::append(const ScanReport& other, const std::string& prefix) {
  for (const auto& [name, value] : other.facts) add_fact(prefix + name, value);
  repairs.insert(repairs.end(), other.repairs.begin(), other.repairs.end());
}

std::string ScanReport::to_json() const {
  nlohmann::ordered_json facts_json = nlohmann::ordered_json::object();
  for (const auto& [name, value] : facts) facts_json[name] = value;
  nlohmann::ordered_json repairs_json = nlohmann::ordered_json::array();
  for (const Repair& repair : repairs) {
    repairs_json.push_back({{"code", repair.code}, {"message", repair.message}});
  }
  return nlohmann::ordered_json{{"facts", facts_json}, {"repairs", repairs_json}}.dump(2) + "\n";
}

}  // namespace renderfm
