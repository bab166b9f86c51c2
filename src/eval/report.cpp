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
#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/core/cpu.h"
#include "renderfm/core/parallel.h"
#include "renderfm/core/version.h"
#include "renderfm/eval/paired_bootstrap.h"

namespace renderfm {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

void write_text(const fs::path& path, const std::string& text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

template <class Get>
std::vector<std::string> in_order(const std::vector<CaseResult>& results, const Get& get) {
  std::vector<std::string> names;
  for (const CaseResult& result : results) {
    for (const std::string& name : get(result)) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

std::vector<std::string> methods_of(const std::vector<CaseResult>& results) {
  return in_order(results, [](const CaseResult& r) { return std::vector<std::string>{r.method}; });
}

/// PSNR and SSIM first, as every table has them.
std::vector<std::string> metrics_of(const std::vector<CaseResult>& results) {
  std::vector<std::string> names{"PSNR", "SSIM"};
  for (const std::string& name : in_order(results, [](const CaseResult& r) {
         std::vector<std::string> keys;
         for (const auto& [metric, values] : r.per_view) keys.push_back(metric);
         return keys;
       })) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

template <class Get>
double mean_over_cases(const std::vector<CaseResult>& results, const std::string& method, const Get& get) {
  double sum = 0;
  int count = 0;
  for (const CaseResult& result : results) {
    if (result.method != method) continue;
    sum += get(result);
    ++count;
  }
  return count > 0 ? sum / count : 0;
}

double rounded(double value) { return std::round(value * 1e6) / 1e6; }

Json summary_of(const std::vector<CaseResult>& results, const std::string& method) {
  Json row = Json::object();
  for (const std::string& metric : metrics_of(results)) {
    const double mean = mean_of(results, method, metric);
    if (std::isfinite(mean)) row[metric] = rounded(mean);
  }
  const auto mean = [&](auto get) { return rounded(mean_over_cases(results, method, get)); };
  row["preparation_s"] = mean([](const CaseResult& r) { return r.preparation_s; });
  row["frames_per_second"] = mean([](const CaseResult& r) { return 1000 / r.frame_ms; });
  row["gaussians"] = std::llround(mean([](const CaseResult& r) { return static_cast<double>(r.gaussians); }));
  row["megabytes"] = mean([](const CaseResult& r) { return r.megabytes; });
  row["peak_memory_mb"] = mean([](const CaseResult& r) { return r.peak_memory_mb; });
  return row;
}

Json per_view_of(const std::vector<CaseResult>& results, const std::string& method) {
  Json metrics = Json::object();
  for (const CaseResult& result : results) {
    if (result.method != method) continue;
    for (const auto& [metric, values] : result.per_view) {
      for (std::size_t v = 0; v < values.size(); ++v) {
        metrics[metric][result.case_name + "/" + result.views[v]] = rounded(values[v]);
      }
    }
  }
  return metrics;
}

std::string csv_of(const std::vector<CaseResult>& results) {
  const std::vector<std::string> metrics = metrics_of(results);
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

/// Differences of every two methods in PSNR over the views that both drew.
Json differences_of(const std::vector<CaseResult>& results) {
  const std::vector<std::string> methods = methods_of(results);
  Json rows = Json::array();
  for (std::size_t a = 0; a < methods.size(); ++a) {
    for (std::size_t b = a + 1; b < methods.size(); ++b) {
      std::vector<double> differences;
      std::vector<int> groups;
      int group = 0;
      for (const CaseResult& first : results) {
        if (first.method != methods[a]) continue;
        for (const CaseResult& second : results) {
          if (second.method != methods[b] || second.case_name != first.case_name) continue;
          for (std::size_t v = 0; v < first.views.size() && v < second.views.size(); ++v) {
            differences.push_back(second.per_view.at("PSNR")[v] - first.per_view.at("PSNR")[v]);
            groups.push_back(group);
          }
        }
        ++group;
      }
      if (differences.empty()) continue;
      const Interval interval = paired_bootstrap(differences, groups);
      rows.push_back({{"from", methods[a]},
                      {"to", methods[b]},
                      {"views", differences.size()},
                      {"mean", rounded(interval.mean)},
                      {"low", rounded(interval.low)},
                      {"high", rounded(interval.high)}});
    }
  }
  return rows;
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
          {"psnr", rounded(psnr)},
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

void write_reports(const std::vector<CaseResult>& results, const ReportOptions& options) {
  Json summary = Json::object(), per_view = Json::object();
  for (const std::string& method : methods_of(results)) {
    summary[method] = summary_of(results, method);
    per_view[method] = per_view_of(results, method);
  }
  write_text(options.out / "results.json", summary.dump(1) + "\n");
  write_text(options.out / "per_view.json", per_view.dump(1) + "\n");
  write_text(options.out / "results.csv", csv_of(results));

  std::set<std::string> cases, sizes;
  for (const CaseResult& r : results) {
    cases.insert(r.case_name);
    sizes.insert(fmt::format("{} x {}", r.width, r.height));
  }
  std::string size_text;
  for (const std::string& size : sizes) size_text += (size_text.empty() ? "" : ", ") + size;
  const BuildInfo& build = build_info();
  const Json data{{"summary", summary},
                  {"perView", per_view},
                  {"higherIsBetter", directions()},
                  {"differences", differences_of(results)},
                  {"pictures", pictures_of(results, options)},
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
