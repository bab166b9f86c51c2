#include "renderfm/eval/report.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "eval/report_page.h"
#include "eval/report_tables.h"
#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/core/cpu.h"
#include "renderfm/core/parallel.h"
#include "renderfm/core/version.h"
#include "renderfm/eval/organ_groups.h"

namespace renderfm {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

void write_text(const fs::path& path, const std::string& text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

std::string csv_of(const std::vector<CaseResult>& results) {
  const std::vector<std::string> metrics = tables::metrics_of(results);
  std::string text = "case,view,method";
  for (const std::string& metric : metrics) text += "," + metric;
  text += ",preparation_s,frame_ms,gaussians,megabytes,peak_memory_mb\n";
  for (const CaseResult& r : results) {
    for (std::size_t v = 0; v < r.views.size(); ++v) {
      text += fmt::format("{},{},{}", r.case_name, r.views[v], r.method);
      for (const std::string& metric : metrics) {
        const auto found = r.per_view.find(metric);
        text += found == r.per_view.end() ? "," : fmt::format(",{:.6f}", found->second[v]);
      }
      text += fmt::format(",{:.3f},{:.3f},{},{:.3f},{:.1f}\n", r.preparation_s, r.frame_ms, r.gaussians,
                          r.megabytes, r.peak_memory_mb);
    }
  }
  return text;
}

std::string base64(const std::string& bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t triple = 0;
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 3; ++k) {
      triple = triple << 8 | (k < have ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) text += k <= have ? kDigits[triple >> (18 - 6 * k) & 63U] : '=';
  }
  return text;
}

std::string data_uri(const fs::path& png) {
  std::ifstream stream(png, std::ios::binary);
  if (!stream)
    fail_input("the picture {} is missing; delete the method's folder to draw it anew", png.string());
  std::ostringstream bytes;
  bytes << stream.rdbuf();
  return "data:image/png;base64," + base64(bytes.str());
}

/// The views whose mean PSNR over the methods is least, with their pictures.
Json pictures_of(const std::vector<CaseResult>& results, const ReportOptions& options) {
  struct Shown {
    std::string case_name, view;
    double sum = 0;
    std::vector<std::pair<std::string, double>> methods;
  };
  std::vector<Shown> shown;
  for (const CaseResult& r : results) {
    if (base_name(r.method) != r.method) continue;
    for (std::size_t v = 0; v < r.views.size(); ++v) {
      auto at = std::find_if(shown.begin(), shown.end(), [&](const Shown& s) {
        return s.case_name == r.case_name && s.view == r.views[v];
      });
      if (at == shown.end()) at = shown.insert(shown.end(), {r.case_name, r.views[v], 0, {}});
      at->sum += r.per_view.at("PSNR")[v];
      at->methods.emplace_back(r.method, r.per_view.at("PSNR")[v]);
    }
  }
  const auto mean = [](const Shown& s) { return s.sum / static_cast<double>(s.methods.size()); };
  std::stable_sort(shown.begin(), shown.end(),
                   [&](const Shown& a, const Shown& b) { return mean(a) < mean(b); });
  shown.resize(std::min(shown.size(), static_cast<std::size_t>(std::max(0, options.shown_views))));
  Json views = Json::array();
  for (const Shown& s : shown) {
    const fs::path nested = options.dataset / s.case_name;
    const fs::path folder = fs::exists(nested / "case.json") ? nested : options.dataset;
    Json pictures = Json::object();
    for (const auto& [method, psnr] : s.methods) {
      pictures[method] = {
          {"psnr", tables::rounded(psnr)},
          {"src", data_uri(options.out / "cases" / s.case_name / method / (s.view + ".png"))}};
    }
    views.push_back({{"name", s.case_name + "/" + s.view},
                     {"truth", data_uri(folder / "views" / (s.view + ".png"))},
                     {"methods", pictures}});
  }
  return views;
}

Json directions() {
  Json higher = Json::object();
  for (const auto& [metric, more_is_better] : metric_directions()) higher[metric] = more_is_better;
  return higher;
}

}  // namespace

double mean_of(const std::vector<CaseResult>& results, const std::string& method, const std::string& metric) {
  double sum = 0;
  std::int64_t count = 0;
  for (const CaseResult& result : results) {
    const auto found = result.per_view.find(metric);
    if (result.method != method || found == result.per_view.end()) continue;
    for (const double value : found->second) {
      if (std::isnan(value)) continue;
      sum += value;
      ++count;
    }
  }
  return count > 0 ? sum / static_cast<double>(count) : std::numeric_limits<double>::quiet_NaN();
}

void write_reports(const Evaluation& evaluation, const ReportOptions& options) {
  const std::vector<CaseResult>& results = evaluation.results;
  Json summary = Json::object(), per_view = Json::object();
  for (const std::string& method : tables::methods_of(results)) {
    summary[method] = tables::summary_of(results, method);
    per_view[method] = tables::per_view_of(results, method);
  }
  write_text(options.out / "results.json", summary.dump(1) + "\n");
  write_text(options.out / "per_view.json", per_view.dump(1) + "\n");
  write_text(options.out / "results.csv", csv_of(results));

  std::set<std::string> cases, sizes;
  Json settings = Json::object();
  for (const CaseResult& r : results) {
    cases.insert(r.case_name);
    sizes.insert(fmt::format("{} x {}", r.width, r.height));
    if (base_name(r.method) == r.method) settings[r.method][r.case_name] = r.settings;
  }
  std::string size_text;
  for (const std::string& size : sizes) size_text += (size_text.empty() ? "" : ", ") + size;
  Json failures = Json::array();
  for (const Failure& failure : evaluation.failures) {
    failures.push_back({{"method", failure.method}, {"case", failure.case_name}, {"reason", failure.reason}});
  }
  const BuildInfo& build = build_info();
  const Json data{{"summary", summary},
                  {"perView", per_view},
                  {"higherIsBetter", directions()},
                  {"organGroups", organ_group_names()},
                  {"differences", tables::differences_of(results)},
                  {"robustness", tables::robustness_of(results)},
                  {"byCase", tables::cases_of(results)},
                  {"pictures", pictures_of(results, options)},
                  {"settings", settings},
                  {"failures", failures},
                  {"cases", cases.size()},
                  {"size", size_text},
                  {"made", fmt::format("Render-FM {} ({}), CPU level {}, {} threads", build.version,
                                       build.commit, simd_level_name(simd_level()), thread_count())},
                  {"command", options.command}};
  // A "</script>" inside a string would end the script.
  std::string json = data.dump();
  for (std::size_t at = 0; (at = json.find("</", at)) != std::string::npos; at += 3)
    json.replace(at, 2, "<\\/");
  write_text(options.out / "report.html", std::string(kPageHead) + json + std::string(kPageTail));
}

}  // namespace renderfm
