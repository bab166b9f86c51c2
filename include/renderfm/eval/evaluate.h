// Draws the held-out views of a data set's cases by every method and measures them. What is done stays on
// disk, one folder a method and case, and is not done again: methods and cases may be measured in any order,
// in several calls.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "renderfm/eval/method_spec.h"

namespace renderfm {

struct EvaluateOptions {
  std::filesystem::path dataset;  ///< a case folder, or a folder of them
  std::filesystem::path out;
  std::vector<MethodSpec> methods;
  std::vector<std::string> cases;            ///< names; empty for all
  std::vector<std::filesystem::path> lpips;  ///< TorchScript files, may be empty
  std::string device = "auto";               ///< of networks
  bool stored_only = false;                  ///< measure nothing: gather what is there
};

/// One method on one case.
struct CaseResult {
  std::string method, case_name;
  std::string tf, tf_family, organs;                    ///< of the case; organs comma separated
  std::string settings;                                 ///< what decided the numbers
  std::vector<std::string> views;                       ///< names, in the order of the values
  std::map<std::string, std::vector<double>> per_view;  ///< metric -> one value a view, NaN for none
  double preparation_s = 0;   ///< from the CT in memory to what is drawn, optimisation included
  double optimisation_s = 0;  ///< of it
  double frame_ms = 0;        ///< median over the views, first one left out
  double megabytes = 0;       ///< of the .ply; 0 for dvr, which reads the CT
  double peak_memory_mb = 0;  ///< of the process, while it prepared and drew
  std::int64_t gaussians = 0;
  int width = 0, height = 0;
};

/// A method that could not be run on a case; the others go on.
struct Failure {
  std::string method, case_name, reason;
};

struct Evaluation {
  std::vector<CaseResult> results;  ///< in the order of cases, then methods
  std::vector<Failure> failures;
};

/// "PSNR", "SSIM", ... -> true where more is better. The PSNR of organ groups is left out.
const std::map<std::string, bool>& metric_directions();

/// All metrics of a drawn picture against the held-out one, both as 8-bit PNGs hold them. "MS-SSIM" is left
/// out for small pictures.
std::map<std::string, double> measure(const torch::Tensor& image, const torch::Tensor& target);

/// Writes OUT/cases/CASE/METHOD/{NNN.png, gaussians.ply, result.json}. Throws kBadInput where a result in OUT
/// was made under other settings, for a case that does not exist and for a checkpoint that cannot be read.
Evaluation evaluate(const EvaluateOptions& options);

}  // namespace renderfm
