#include "eval/report_tables.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "renderfm/eval/organ_groups.h"
#include "renderfm/eval/paired_bootstrap.h"
#include "renderfm/eval/report.h"

namespace renderfm::tables {
namespace {

using Json = nlohmann::ordered_json;

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

std::vector<double> psnr_of(const std::vector<CaseResult>& results, const std::string& method) {
  std::vector<double> values;
  for (const CaseResult& result : results) {
    const auto found = result.per_view.find("PSNR");
    if (result.method != method || found == result.per_view.end()) continue;
    std::copy_if(found->second.begin(), found->second.end(), std::back_inserter(values),
                 [](double v) { return std::isfinite(v); });
  }
  return values;
}

/// Linear between the two nearest ranks.
double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const double at = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (at - static_cast<double>(below)) * (values[above] - values[below]);
}

/// PSNR of `to` minus that of `from` over the views of the cases that both drew.
struct Paired {
  std::vector<double> differences;
  std::vector<int> cases;
};

Paired paired(const std::vector<CaseResult>& results, const std::string& from, const std::string& to) {
  Paired pairs;
  int number = 0;
  for (const CaseResult& first : results) {
    if (first.method != from) continue;
    for (const CaseResult& second : results) {
      if (second.method != to || second.case_name != first.case_name) continue;
      for (std::size_t v = 0; v < first.views.size() && v < second.views.size(); ++v) {
        pairs.differences.push_back(second.per_view.at("PSNR")[v] - first.per_view.at("PSNR")[v]);
        pairs.cases.push_back(number);
      }
    }
    ++number;
  }
  return pairs;
}

Json with_interval(Json row, const Paired& pairs) {
  const Interval interval = paired_bootstrap(pairs.differences, pairs.cases);
  row["views"] = pairs.differences.size();
  row["mean"] = rounded(interval.mean);
  row["low"] = rounded(interval.low);
  row["high"] = rounded(interval.high);
  return row;
}

bool plain(const std::string& method) { return base_name(method) == method; }

/// Means of one set of cases.
Json means_of(const std::vector<CaseResult>& results, const std::string& name) {
  Json psnr = Json::object();
  std::set<std::string> cases;
  for (const CaseResult& result : results) cases.insert(result.case_name);
  for (const std::string& method : methods_of(results)) {
    const double mean = mean_of(results, method, "PSNR");
    if (plain(method) && std::isfinite(mean)) psnr[method] = rounded(mean);
  }
  return {{"name", name}, {"cases", cases.size()}, {"psnr", psnr}};
}

}  // namespace

double rounded(double value) { return std::round(value * 1e6) / 1e6; }

std::vector<std::string> methods_of(const std::vector<CaseResult>& results) {
  return in_order(results, [](const CaseResult& r) { return std::vector<std::string>{r.method}; });
}

std::vector<std::string> metrics_of(const std::vector<CaseResult>& results) {
  std::vector<std::string> names{"PSNR", "SSIM"};
  for (const std::string& name : in_order(results, [](const CaseResult& r) {
         std::vector<std::string> keys;
         for (const auto& [metric, values] : r.per_view) keys.push_back(metric);
         return keys;
       })) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  std::stable_partition(names.begin(), names.end(),
                        [](const std::string& name) { return !is_organ_group_metric(name); });
  return names;
}

Json summary_of(const std::vector<CaseResult>& results, const std::string& method) {
  Json row = Json::object();
  for (const std::string& metric : metrics_of(results)) {
    const double mean = mean_of(results, method, metric);
    if (std::isfinite(mean)) row[metric] = rounded(mean);
  }
  const std::vector<double> psnr = psnr_of(results, method);
  for (const int percent : {5, 50, 95}) {
    if (!psnr.empty()) row["PSNR_p" + std::to_string(percent)] = rounded(quantile(psnr, percent / 100.0));
  }
  const auto mean = [&](auto get) { return rounded(mean_over_cases(results, method, get)); };
  row["preparation_s"] = mean([](const CaseResult& r) { return r.preparation_s; });
  row["optimisation_s"] = mean([](const CaseResult& r) { return r.optimisation_s; });
  row["frames_per_second"] = mean([](const CaseResult& r) { return 1000 / r.frame_ms; });
  row["gaussians"] = std::llround(mean([](const CaseResult& r) { return static_cast<double>(r.gaussians); }));
  row["megabytes"] = mean([](const CaseResult& r) { return r.megabytes; });
  row["peak_memory_mb"] = mean([](const CaseResult& r) { return r.peak_memory_mb; });
  row["cases"] =
      std::count_if(results.begin(), results.end(), [&](const CaseResult& r) { return r.method == method; });
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

Json differences_of(const std::vector<CaseResult>& results) {
  std::vector<std::string> methods = methods_of(results);
  std::erase_if(methods, [](const std::string& method) { return !plain(method); });
  Json rows = Json::array();
  for (std::size_t a = 0; a < methods.size(); ++a) {
    for (std::size_t b = a + 1; b < methods.size(); ++b) {
      const Paired pairs = paired(results, methods[a], methods[b]);
      if (pairs.differences.empty()) continue;
      rows.push_back(with_interval({{"from", methods[a]}, {"to", methods[b]}}, pairs));
    }
  }
  return rows;
}

Json robustness_of(const std::vector<CaseResult>& results) {
  Json rows = Json::array();
  for (const std::string& method : methods_of(results)) {
    if (plain(method)) continue;
    const std::string base = base_name(method), variant = method.substr(base.size() + 1);
    Json row{{"method", base},
             {"variant", variant},
             {"meaning", variant_meaning(parse_variant(variant))},
             {"cases", std::count_if(results.begin(), results.end(),
                                     [&](const CaseResult& r) { return r.method == method; })},
             {"psnr", rounded(mean_of(results, method, "PSNR"))},
             {"ssim", rounded(mean_of(results, method, "SSIM"))},
             {"gaussians", std::llround(mean_over_cases(results, method, [](const CaseResult& r) {
                return static_cast<double>(r.gaussians);
              }))}};
    const Paired pairs = paired(results, base, method);
    rows.push_back(pairs.differences.empty() ? row : with_interval(row, pairs));
  }
  return rows;
}

Json cases_of(const std::vector<CaseResult>& results) {
  const auto rows_by = [&](const auto& key_of) {
    std::map<std::string, std::vector<CaseResult>> groups;
    for (const CaseResult& result : results) groups[key_of(result)].push_back(result);
    return groups;
  };
  Json rows = Json::array();
  for (const auto& [name, group] : rows_by([](const CaseResult& r) { return r.case_name; })) {
    Json row = means_of(group, name);
    row["tf"] = group.front().tf;
    row["tf_family"] = group.front().tf_family;
    row["organs"] = group.front().organs;
    rows.push_back(row);
  }
  Json kinds = Json::array();
  const auto add_kinds = [&](const std::string& what, const auto& key_of) {
    const auto groups = rows_by(key_of);
    if (groups.size() < 2) return;
    for (const auto& [key, group] : groups) kinds.push_back(means_of(group, what + key));
  };
  add_kinds("transfer functions: ", [](const CaseResult& r) { return r.tf_family; });
  add_kinds("organs: ", [](const CaseResult& r) { return r.organs; });
  return {{"cases", rows}, {"kinds", kinds}};
}

}  // namespace renderfm::tables
