// The tables of a report as JSON: means, differences, robustness, cases.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "renderfm/eval/evaluate.h"

namespace renderfm::tables {

/// In the order of their first appearance.
std::vector<std::string> methods_of(const std::vector<CaseResult>& results);
/// PSNR and SSIM first, as every table has them; the organ groups last.
std::vector<std::string> metrics_of(const std::vector<CaseResult>& results);

/// {metric: mean, ..., "PSNR_p5": ..., "preparation_s": ..., "cases": n}: metrics over all views of all
/// cases, the rest over the cases.
nlohmann::ordered_json summary_of(const std::vector<CaseResult>& results, const std::string& method);
/// {metric: {"CASE/VIEW": value}}
nlohmann::ordered_json per_view_of(const std::vector<CaseResult>& results, const std::string& method);

/// Every two methods on the scan as it is: mean of the differences in PSNR over the views that both drew,
/// with its interval.
nlohmann::ordered_json differences_of(const std::vector<CaseResult>& results);
/// Every variant against its method on the scan as it is, over the views that both drew.
nlohmann::ordered_json robustness_of(const std::vector<CaseResult>& results);
/// PSNR of every method on each case, and on the cases of one kind (transfer function seen in training or
/// not, organs shown) where there are several kinds.
nlohmann::ordered_json cases_of(const std::vector<CaseResult>& results);

double rounded(double value);

}  // namespace renderfm::tables
