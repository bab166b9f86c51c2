#include "viewer/organs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <string>

#include "renderfm/math/sh.h"
#include "renderfm/volume/labels.h"

namespace renderfm::viewer {
namespace {

struct PanelGroup {
  const char* id;  ///< a group of labels.h; an organ goes to the first that it belongs to
  const char* title;
};
constexpr PanelGroup kGroups[] = {{"skeleton", "Skeleton"}, {"heart", "Heart"},
                                  {"vessels", "Vessels"},   {"lungs", "Lungs"},
                                  {"airways", "Airways"},   {"nerves", "Brain and nerves"},
                                  {"organs", "Organs"},     {"muscles", "Muscles"},
                                  {"body", "Body wall"},    {"other", "Other"}};

// "rib_left_1" -> "Rib left 1"
std::string title_of(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  if (!name.empty()) name[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(name[0])));
  return name;
}

std::array<bool, 256> labels_in(const std::vector<GaussianSet>& sets) {
  std::array<bool, 256> present{};
  for (const GaussianSet& set : sets) {
    if (!set.label.defined()) {
      present[0] = true;
      continue;
    }
    const torch::Tensor counts = torch::bincount(set.label.to(torch::kCPU).to(torch::kInt64), {}, 256);
    for (int label = 0; label < 256; ++label) {
      if (counts[label].item<std::int64_t>() > 0) present[static_cast<std::size_t>(label)] = true;
    }
  }
  return present;
}

// Numbers at the end of a name sort as numbers: rib 2 before rib 10.
std::string sort_key(const std::string& title) {
  const std::size_t digits = title.find_last_not_of("0123456789") + 1;
  if (digits >= title.size() || title.size() - digits > 4) return title;
  return fmt::format("{}{:>4}", title.substr(0, digits), title.substr(digits));
}

}  // namespace

nlohmann::json organ_groups() {
  nlohmann::json groups = nlohmann::json::array();
  for (const PanelGroup& group : kGroups) groups.push_back({{"id", group.id}, {"title", group.title}});
  return groups;
}

nlohmann::json organ_table(const std::vector<GaussianSet>& sets) {
  std::map<std::uint8_t, std::string> names;
  for (const GaussianSet& set : sets) names.insert(set.label_names.begin(), set.label_names.end());
  const std::array<bool, 256> present = labels_in(sets);
  std::map<std::string, nlohmann::json> sorted;
  for (int label = 0; label < 256; ++label) {
    if (!present[static_cast<std::size_t>(label)]) continue;
    const auto named = names.find(static_cast<std::uint8_t>(label));
    const bool known = named != names.end() && label != 0;
    const std::string name = known        ? named->second
                             : label == 0 ? "unlabelled"
                                          : fmt::format("label_{}", label);
    nlohmann::json groups = nlohmann::json::array();
    for (const std::string& group : group_names()) {
      if (known && group != "all" && organ_matches(name, group)) groups.push_back(group);
    }
    const auto* const group =
        std::find_if(std::begin(kGroups), std::end(kGroups) - 1,
                     [&](const PanelGroup& g) { return known && organ_matches(name, g.id); });
    const std::string title = label == 0 ? "Everything else" : title_of(name);
    sorted[sort_key(title) + fmt::format("\n{:03}", label)] = {
        {"label", label}, {"name", name}, {"title", title}, {"group", group->id}, {"groups", groups}};
  }
  nlohmann::json table = nlohmann::json::array();
  for (auto& [key, organ] : sorted) table.push_back(std::move(organ));
  return table;
}

nlohmann::json organ_colours(const GaussianSet& set) {
  const torch::Tensor opacity = set.opacity.to(torch::kCPU);
  const torch::Tensor colour =
      (0.5 + kSh0 * set.sh.to(torch::kCPU).slice(1, 0, 3)).clamp(0, 1) * opacity.unsqueeze(1);
  const torch::Tensor label = set.label.defined() ? set.label.to(torch::kCPU).to(torch::kInt64)
                                                  : torch::zeros({set.size()}, torch::kInt64);
  const torch::Tensor sums = torch::zeros({256, 3}).index_add_(0, label, colour);
  const torch::Tensor weights = torch::zeros({256}).index_add_(0, label, opacity);
  nlohmann::json colours = nlohmann::json::object();
  for (int k = 0; k < 256; ++k) {
    const double weight = weights[k].item<double>();
    if (weight <= 0) continue;
    // Most of an organ lies in its own shade: a swatch shows the hue as if lit.
    constexpr double kSwatchBrightness = 0.85;
    const double brightest = std::max(sums[k].max().item<double>(), 1e-6);
    const auto byte = [&](int channel) {
      return static_cast<int>(255 * kSwatchBrightness * sums[k][channel].item<double>() / brightest + 0.5);
    };
    colours[std::to_string(k)] = fmt::format("#{:02x}{:02x}{:02x}", byte(0), byte(1), byte(2));
  }
  return colours;
}

}  // namespace renderfm::viewer
