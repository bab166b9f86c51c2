#include "renderfm/eval/method_spec.h"

#include <algorithm>
#include <limits>
#include <set>

#include "renderfm/core/check.h"

namespace renderfm {
namespace {

constexpr std::string_view kMcmcTail = "-mcmc";
constexpr std::string_view kNoModel = "primed";  // as programs take it for --model
constexpr char kVariantSign = '@';

std::int64_t count_of(const ConfigNode& node, const char* key, std::int64_t fallback, std::int64_t greatest) {
  const std::int64_t value = node.int_or(key, fallback);
  if (node.has(key) && (value < 1 || value > greatest)) {
    fail_input("{}: it is {}; it must be 1 to {}", node.at(key).where(), value, greatest);
  }
  return value;
}

/// The keys that `node` has, over `settings`.
MethodSettings read_settings(const ConfigNode& node, MethodSettings settings) {
  settings.steps = static_cast<int>(count_of(node, "steps", settings.steps, std::numeric_limits<int>::max()));
  settings.start_points = count_of(node, "start_points", settings.start_points, std::int64_t{1} << 31);
  settings.max_gaussians = count_of(node, "max_gaussians", settings.max_gaussians, std::int64_t{1} << 31);
  if (node.has("density")) {
    settings.density = parse_density(node.at("density").as_string(), node.at("density").where());
  }
  if (node.has("start")) settings.start = start_from(node.at("start").as_string(), node.at("start").where());
  settings.model = node.string_or("model", settings.model);
  if (settings.model == kNoModel) settings.model.clear();
  settings.seed = static_cast<std::uint64_t>(
      count_of(node, "seed", static_cast<std::int64_t>(settings.seed), std::int64_t{1} << 62));
  return settings;
}

/// A name that is a folder of its own and cannot be taken for a variant.
void check_name(const std::string& name, const std::string& where) {
  const bool plain =
      !name.empty() && name.front() != '.' && std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || c == '+';
      });
  if (!plain) fail_input("{}: '{}' is no name; give letters, digits, '-', '_', '.' or '+'", where, name);
}

std::vector<Variant> read_variants(const ConfigNode& node) {
  const std::vector<std::string> names = node.as_strings();
  if (names == std::vector<std::string>{"all"}) return all_variants();
  std::vector<Variant> variants;
  for (const std::string& name : names) variants.push_back(parse_variant(name));
  return variants;
}

}  // namespace

const MethodSettings& MethodSpec::settings_for(const std::string& case_name) const {
  const auto found = of_case.find(case_name);
  return found == of_case.end() ? settings : found->second;
}

MethodSpec parse_method_spec(const std::string& name, const MethodSettings& settings) {
  MethodSpec spec;
  spec.name = name;
  spec.settings = settings;
  std::string method = name;
  if (method.ends_with(kMcmcTail)) {
    method.resize(method.size() - kMcmcTail.size());
    spec.settings.density = Density::kMcmc;
  }
  spec.method = parse_method(method);
  if (method != name && !is_per_scan(spec.method)) {
    fail_input("there is no method '{}': {} has no density control by itself; a config file can give it one",
               name, method);
  }
  return spec;
}

std::vector<MethodSpec> variants_of(const MethodSpec& spec, const std::vector<Variant>& variants) {
  if (spec.method != Method::kPriming && spec.method != Method::kNetwork &&
      spec.method != Method::kFinetune) {
    fail_input("{} has no robustness rows; priming, network and finetune have", spec.name);
  }
  std::vector<MethodSpec> specs;
  for (const Variant variant : variants) {
    specs.push_back(spec);
    specs.back().variant = variant;
    specs.back().name += kVariantSign + variant_name(variant);
  }
  return specs;
}

std::string base_name(const std::string& row) { return row.substr(0, row.find(kVariantSign)); }

EvalConfig read_eval_config(const ConfigNode& yaml, const MethodSettings& settings) {
  yaml.check_keys({"seed", "model", "lpips", "methods"});
  const MethodSettings defaults = read_settings(yaml, settings);
  EvalConfig config;
  if (yaml.has("lpips")) {
    for (const std::string& file : yaml.at("lpips").as_strings()) config.lpips.emplace_back(file);
  }
  std::vector<MethodSpec> varied;
  std::set<std::string> names;
  for (const ConfigNode& node : yaml.at("methods").items()) {
    MethodSpec spec;
    if (node.is_scalar()) {
      spec = parse_method_spec(node.as_string(), defaults);
    } else {
      node.check_keys({"name", "method", "steps", "start_points", "max_gaussians", "density", "model",
                       "start", "seed", "cases", "robustness"});
      spec = parse_method_spec(node.at("method").as_string(), defaults);
      spec.name = node.string_or("name", spec.name);
      spec.settings = read_settings(node, spec.settings);
      if (node.has("cases")) {
        const ConfigNode cases = node.at("cases");
        for (const std::string& name : cases.keys()) {
          const ConfigNode own = cases.at(name);
          own.check_keys({"steps", "start_points", "max_gaussians", "density", "model", "start", "seed"});
          spec.of_case[name] = read_settings(own, spec.settings);
        }
      }
      if (node.has("robustness")) {
        for (MethodSpec& one : variants_of(spec, read_variants(node.at("robustness")))) {
          varied.push_back(std::move(one));
        }
      }
    }
    check_name(spec.name, node.where());
    if (!names.insert(spec.name).second) {
      fail_input("{}: two methods are called '{}'; give one another name", node.where(), spec.name);
    }
    config.methods.push_back(std::move(spec));
  }
  if (config.methods.empty()) fail_input("{}: no method is named", yaml.at("methods").where());
  config.methods.insert(config.methods.end(), varied.begin(), varied.end());
  return config;
}

}  // namespace renderfm
