// The rows of a report: methods by name or from a YAML file, how they run, and what they are given.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "renderfm/core/config_node.h"
#include "renderfm/eval/baselines.h"
#include "renderfm/eval/variant.h"

namespace renderfm {

struct MethodSpec {
  std::string name;  ///< of the row and of its folders: "finetune", "network@labels-none"
  Method method = Method::kPriming;
  MethodSettings settings;
  std::map<std::string, MethodSettings> of_case;  ///< instead of `settings`, by the name of a case
  Variant variant = Variant::kNone;

  const MethodSettings& settings_for(const std::string& case_name) const;
};

/// A method by its name; "-mcmc" behind a per-scan method is its density control. Throws kBadInput.
MethodSpec parse_method_spec(const std::string& name, const MethodSettings& settings);

/// The same method on each variant of the scan: "priming@noise". Throws kBadInput for methods that are not
/// priming, network or finetune.
std::vector<MethodSpec> variants_of(const MethodSpec& spec, const std::vector<Variant>& variants);

/// What a row is called without its variant: "network" of "network@noise".
std::string base_name(const std::string& row);

/// A YAML file of methods: configs/eval/methods.yaml shows every key.
struct EvalConfig {
  std::vector<MethodSpec> methods;           ///< variants stand behind all plain methods
  std::vector<std::filesystem::path> lpips;  ///< TorchScript files
};
/// `settings` are those of the command line. Throws kBadInput naming file, line and key.
EvalConfig read_eval_config(const ConfigNode& yaml, const MethodSettings& settings);

}  // namespace renderfm
