// Draws the held-out views of a data set's cases by every method and measures them. What is done stays on
// disk, one folder a method and case, and is not done again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "renderfm/eval/baselines.h"
#include "renderfm/model/network.h"

namespace renderfm {

struct EvaluateOptions {
  std::filesystem::path dataset;  ///< a case folder, or a folder of them
  std::filesystem::path out;
  std::vector<Method> methods;
  BaselineOptions baselines;
  std::filesystem::path model;               ///< checkpoint that `network` was loaded from
  const Network* network = nullptr;          ///< may be null: then there is no network to compare
  std::vector<std::filesystem::path> lpips;  ///< TorchScript files, may be empty
};

/// One method on one case.
struct CaseResult {
  std::string method, case_name;
  std::vector<std::string> views;                       ///< names, in the order of the values
  std::map<std::string, std::vector<double>> per_view;  ///< metric -> one value a view
  double preparation_s = 0;                             ///< from the CT in memory to what is drawn
  double frame_ms = 0;                                  ///< median over the views, first one left out
  double megabytes = 0;                                 ///< of the .ply; 0 for dvr, which reads the CT
  double peak_memory_mb = 0;                            ///< of the process, while it prepared and drew
  std::int64_t gaussians = 0;
  int width = 0, height = 0;
};

/// "PSNR", "SSIM", ... -> true where more is better.
const std::map<std::string, bool>& metric_directions();

/// All metrics of a drawn picture against the held-out one, both as 8-bit PNGs hold them. "MS-SSIM" is left
/// out for small pictures.
std::map<std::string, double> measure(const torch::Tensor& image, const torch::Tensor& target);

/// In the order of cases, then methods. Writes OUT/cases/CASE/METHOD/{NNN.png, gaussians.ply, result.json}.
/// Throws kBadInput where a result in OUT was made under other settings.
std::vector<CaseResult> evaluate(const EvaluateOptions& options);

}  // namespace renderfm
