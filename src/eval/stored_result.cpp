#include "eval/stored_result.h"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/core/version.h"

namespace renderfm {
namespace {

using Json = nlohmann::ordered_json;

}  // namespace

void store_result(const CaseResult& result, const std::filesystem::path& file) {
  const Json json{{"method", result.method},
                  {"case", result.case_name},
                  {"settings", result.settings},
                  {"program", std::string(build_info().version) + " " + std::string(build_info().commit)},
                  {"views", result.views},
                  {"per_view", result.per_view},
                  {"preparation_s", result.preparation_s},
                  {"optimisation_s", result.optimisation_s},
                  {"frame_ms", result.frame_ms},
                  {"megabytes", result.megabytes},
                  {"peak_memory_mb", result.peak_memory_mb},
                  {"gaussians", result.gaussians},
                  {"width", result.width},
                  {"height", result.height}};
  AtomicFile out(file);
  out.write(json.dump(1) + "\n");
  out.commit();
}

std::optional<CaseResult> stored_result(const std::filesystem::path& file, const std::string& settings) {
  std::ifstream stream(file);
  if (!stream) return std::nullopt;
  try {
    const Json json = Json::parse(stream);
    if (json.at("settings") != settings) {
      fail_input("{} was made with '{}', now '{}' is asked for; choose another --out or delete it",
                 file.string(), json.at("settings").get<std::string>(), settings);
    }
    CaseResult result;
    result.settings = settings;
    json.at("method").get_to(result.method);
    json.at("case").get_to(result.case_name);
    json.at("views").get_to(result.views);
    // JSON has no number for "no number": a black view's foreground PSNR.
    for (const auto& [metric, values] : json.at("per_view").items()) {
      for (const Json& value : values) {
        result.per_view[metric].push_back(value.is_null() ? std::nan("") : value.get<double>());
      }
    }
    json.at("preparation_s").get_to(result.preparation_s);
    json.at("optimisation_s").get_to(result.optimisation_s);
    json.at("frame_ms").get_to(result.frame_ms);
    json.at("megabytes").get_to(result.megabytes);
    json.at("peak_memory_mb").get_to(result.peak_memory_mb);
    json.at("gaussians").get_to(result.gaussians);
    json.at("width").get_to(result.width);
    json.at("height").get_to(result.height);
    return result;
  } catch (const Json::exception& error) {
    fail_input("{} cannot be read: {}; delete it to measure anew", file.string(), error.what());
  }
}

}  // namespace renderfm
