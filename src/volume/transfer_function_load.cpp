// From a preset's name or a file to a transfer function.
#include <algorithm>
#include <fstream>
#include <sstream>

#include "renderfm/core/check.h"
#include "renderfm/volume/transfer_function.h"
#include "volume/tf/readers.h"

namespace renderfm {
namespace {

namespace fs = std::filesystem;

bool ends_with(const std::string& text, std::string_view suffix) {
  if (text.size() < suffix.size()) return false;
  return std::equal(suffix.rbegin(), suffix.rend(), text.rbegin(),
                    [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); });
}

std::string read_text(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) fail_input("cannot read {}: no permission, or not a file", path);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::string names_of_presets() {
  std::string names;
  for (const auto& [name, yaml] : tf::embedded_presets()) names += (names.empty() ? "" : ", ") + name;
  return names;
}

TransferFunction read_file(const std::string& path, const tf::HuRange& range_hu) {
  if (ends_with(path, ".yaml") || ends_with(path, ".yml")) {
    return tf::read_yaml(ConfigNode::parse_file(path));
  }
  TransferFunction result;
  if (ends_with(path, ".vp")) {
    result = tf::read_slicer_vp(read_text(path), path);
  } else if (ends_with(path, ".json")) {
    const ConfigNode document = ConfigNode::parse_file(path);
    result = document.has("volumeProperties") ? tf::read_slicer_json(document) : tf::read_paraview(document);
  } else {
    fail_input(
        "{} is no transfer function that can be read; the formats are our .yaml, 3D Slicer's .vp and "
        ".vp.json, and ParaView's .json",
        path);
  }
  tf::map_unit_range(result, range_hu, path);
  return result;
}

}  // namespace

std::vector<PresetInfo> preset_list() {
  std::vector<PresetInfo> presets;
  for (const auto& [name, yaml] : tf::embedded_presets()) {
    presets.push_back({name, load_transfer_function(name).description});
  }
  return presets;
}

TransferFunction load_transfer_function(const std::string& name_or_path,
                                        std::optional<std::pair<double, double>> range_hu) {
  const auto& presets = tf::embedded_presets();
  const auto preset = std::find_if(presets.begin(), presets.end(),
                                   [&](const auto& entry) { return entry.first == name_or_path; });
  TransferFunction result;
  if (preset != presets.end()) {
    result = tf::read_yaml(ConfigNode::parse(preset->second, "the built-in preset " + name_or_path));
    result.name = name_or_path;
    return result;
  }
  std::error_code ignored;
  if (!fs::exists(name_or_path, ignored)) {
    if (name_or_path.find_first_of("./\\") != std::string::npos) {
      fail_input("cannot read the transfer function {}: no such file", name_or_path);
    }
    std::vector<std::string> names;
    for (const auto& [name, yaml] : presets) names.push_back(name);
    const std::string near = nearest_word(name_or_path, names);
    fail_input("there is no transfer function '{}'{}; the presets are {}, or give a file", name_or_path,
               near.empty() ? "" : fmt::format(" (did you mean '{}'?)", near), names_of_presets());
  }
  result = read_file(name_or_path, range_hu);
  if (result.name.empty()) {
    const std::string file = fs::path(name_or_path).filename().string();
    result.name = file.substr(0, file.find('.', 1));
  }
  return result;
}

}  // namespace renderfm
