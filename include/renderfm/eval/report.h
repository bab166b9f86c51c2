// What was measured, for programs and for people: results.json and per_view.json under the names of 3DGS's
// own metrics.py, a CSV with a line per view, and a page that needs nothing beside it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "renderfm/eval/evaluate.h"

namespace renderfm {

/// Where the held-out pictures lie: DATASET/CASE/views, or DATASET/views where the data set is one case.
struct ReportOptions {
  std::filesystem::path out, dataset;
  std::string command;  ///< how it was made, for the page
  int shown_views = 8;  ///< the worst ones, with pictures
};

/// All files atomic.
void write_reports(const Evaluation& evaluation, const ReportOptions& options);

/// Mean over all views of all cases; views without a number are left out.
double mean_of(const std::vector<CaseResult>& results, const std::string& method, const std::string& metric);

}  // namespace renderfm
