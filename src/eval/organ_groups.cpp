#include "renderfm/eval/organ_groups.h"

#include <algorithm>

#include "renderfm/volume/labels.h"

namespace renderfm {
namespace {

constexpr std::string_view kMetricHead = "PSNR ";

/// The first group that an organ belongs to is its own. Terms of organ_matches().
struct Group {
  std::string name;
  std::vector<std::string_view> terms;
};

const std::vector<Group>& groups() {
  static const std::vector<Group> table{{"skeleton", {"skeleton"}},
                                        {"vessels", {"vessels"}},
                                        {"heart", {"heart"}},
                                        {"lungs", {"lungs", "airways"}},
                                        {"abdomen", {"abdomen"}},
                                        {"muscles", {"muscles"}},
                                        {"body", {"body", "skin", "fat"}},
                                        {"other", {}}};
  return table;
}

}  // namespace

const std::vector<std::string>& organ_group_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const Group& group : groups()) list.push_back(group.name);
    return list;
  }();
  return names;
}

std::array<std::uint8_t, 256> organ_group_of_label(const LabelVolume& labels) {
  std::array<std::uint8_t, 256> result{};
  result.fill(static_cast<std::uint8_t>(groups().size()));
  for (const auto& [label, name] : labels.names) {
    for (std::size_t g = 0; g < groups().size(); ++g) {
      const auto& terms = groups()[g].terms;
      if (std::any_of(terms.begin(), terms.end(),
                      [&](std::string_view term) { return organ_matches(name, term); })) {
        result[label] = static_cast<std::uint8_t>(g + 1);
        break;
      }
    }
  }
  return result;
}

std::string organ_group_metric(const std::string& group) { return std::string(kMetricHead) + group; }

bool is_organ_group_metric(const std::string& metric) { return metric.starts_with(kMetricHead); }

}  // namespace renderfm
