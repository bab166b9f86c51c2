#include "renderfm/core/config_node.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>
#include <sstream>
#include <utility>

#include "renderfm/core/check.h"

namespace renderfm {

struct ConfigNode::Impl {
  YAML::Node node;
  std::string document;
  std::string key_path;
};

ConfigNode ConfigNode::parse(const std::string& text, const std::string& name) {
  try {
    return ConfigNode(std::make_shared<Impl>(Impl{YAML::Load(text), name, ""}));
  } catch (const YAML::Exception& error) {
    fail_input("{} line {} is not valid YAML: {}", name, error.mark.line + 1, error.msg);
  }
}

ConfigNode ConfigNode::parse_file(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) fail_input("cannot read {}: no such file, or no permission", path.string());
  std::ostringstream text;
  text << stream.rdbuf();
  if (text.str().empty()) fail_input("{} is empty; expected YAML", path.string());
  return parse(text.str(), path.string());
}

bool ConfigNode::is_map() const { return impl_->node.IsMap(); }
bool ConfigNode::is_list() const { return impl_->node.IsSequence(); }
bool ConfigNode::is_scalar() const { return impl_->node.IsScalar(); }

std::string ConfigNode::where() const {
  const auto mark = impl_->node.Mark();
  std::string text = impl_->document;
  if (!mark.is_null()) text += fmt::format(" line {}", mark.line + 1);
  if (!impl_->key_path.empty()) text += fmt::format(" ({})", impl_->key_path);
  return text;
}

void ConfigNode::check_keys(std::initializer_list<std::string_view> allowed) const {
  if (!is_map()) fail_input("{}: expected keys and values", where());
  const std::vector<std::string> names(allowed.begin(), allowed.end());
  for (const std::string& key : keys()) {
    if (std::find(names.begin(), names.end(), key) != names.end()) continue;
    const std::string near = nearest_word(key, names);
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
    fail_input("{}: unknown key '{}'{}; known keys: {}", at(key).where(), key,
               near.empty() ? "" : fmt::format(" (did you mean '{}'?)", near), list);
  }
}

bool ConfigNode::has(std::string_view key) const {
  return is_map() && impl_->node[std::string(key)].IsDefined();
}

ConfigNode ConfigNode::at(std::string_view key) const {
  if (!has(key)) fail_input("{}: the key '{}' is missing", where(), key);
  const std::string path =
      impl_->key_path.empty() ? std::string(key) : fmt::format("{}.{}", impl_->key_path, key);
  return ConfigNode(std::make_shared<Impl>(Impl{impl_->node[std::string(key)], impl_->document, path}));
}

std::vector<ConfigNode> ConfigNode::items() const {
  if (!is_list()) fail_input("{}: expected a list", where());
  std::vector<ConfigNode> result;
  for (std::size_t i = 0; i < impl_->node.size(); ++i) {
    const std::string path = fmt::format("{}[{}]", impl_->key_path, i);
    result.push_back(ConfigNode(std::make_shared<Impl>(Impl{impl_->node[i], impl_->document, path})));
  }
  return result;
}

std::vector<std::string> ConfigNode::keys() const {
  if (!is_map()) fail_input("{}: expected keys and values", where());
  std::vector<std::string> result;
  for (const auto& entry : impl_->node) result.push_back(entry.first.as<std::string>());
  return result;
}

namespace {
template <class T>
bool read_scalar(const YAML::Node& node, T& value) {
  return node.IsScalar() && YAML::convert<T>::decode(node, value);
}
}  // namespace

double ConfigNode::as_double() const {
  double value = 0;
  if (!read_scalar(impl_->node, value) || !std::isfinite(value)) fail_input("{}: expected a number", where());
  return value;
}

std::int64_t ConfigNode::as_int() const {
  std::int64_t value = 0;
  if (!read_scalar(impl_->node, value)) fail_input("{}: expected a whole number", where());
  return value;
}

bool ConfigNode::as_bool() const {
  bool value = false;
  if (!read_scalar(impl_->node, value)) fail_input("{}: expected true or false", where());
  return value;
}

std::string ConfigNode::as_string() const {
  if (!is_scalar()) fail_input("{}: expected a word or a sentence", where());
  return impl_->node.Scalar();
}

std::vector<double> ConfigNode::as_doubles() const {
  std::vector<double> result;
  for (const ConfigNode& item : items()) result.push_back(item.as_double());
  return result;
}

std::vector<std::string> ConfigNode::as_strings() const {
  if (is_scalar()) return {as_string()};
  std::vector<std::string> result;
  for (const ConfigNode& item : items()) result.push_back(item.as_string());
  return result;
}

double ConfigNode::double_or(std::string_view key, double fallback) const {
  return has(key) ? at(key).as_double() : fallback;
}
std::int64_t ConfigNode::int_or(std::string_view key, std::int64_t fallback) const {
  return has(key) ? at(key).as_int() : fallback;
}
bool ConfigNode::bool_or(std::string_view key, bool fallback) const {
  return has(key) ? at(key).as_bool() : fallback;
}
std::string ConfigNode::string_or(std::string_view key, const std::string& fallback) const {
  return has(key) ? at(key).as_string() : fallback;
}

namespace {
// Edit distance in which swapping two neighbours counts as one slip, like a letter too much, too few or
// wrong.
std::size_t slips_between(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last, last, row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    before_last = std::exchange(last, row);
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      row[j + 1] = std::min({last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1});
      if (i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j]) {
        row[j + 1] = std::min(row[j + 1], before_last[j - 1] + 1);
      }
    }
  }
  return row.back();
}
}  // namespace

std::string nearest_word(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = slips_between(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace renderfm
