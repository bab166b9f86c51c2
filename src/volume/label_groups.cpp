// The groups of organs that users speak of, as one table over names. Names are those of both TotalSegmentator
// versions and its companion tasks, and the tissue estimator's.
#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "renderfm/core/check.h"
#include "renderfm/core/config_node.h"
#include "renderfm/core/log.h"
#include "renderfm/volume/labels.h"
#include "total_segmentator_names.h"

namespace renderfm {
namespace {

// A member is a name, a name's beginning ("rib_*"), or another group ("@ribs").
struct Group {
  std::string_view name;
  std::vector<std::string_view> members;
};

const std::vector<Group>& groups() {
  static const std::vector<Group> table = {
      {"all", {"*"}},
      {"skeleton",
       {"@ribs", "@spine", "@skull", "@pelvis", "@limbs", "sternum", "costal_cartilages", "bone",
        "skeleton"}},
      {"ribs", {"rib_*", "ribs"}},
      {"chest_wall", {"@ribs", "sternum", "costal_cartilages"}},
      {"vertebrae", {"vertebra*"}},
      {"spine", {"@vertebrae", "sacrum", "spine", "intervertebral_discs"}},
      {"skull", {"skull", "mandible", "teeth_*", "zygomatic_arch_*", "hard_palate"}},
      {"pelvis", {"hip", "hip_*", "sacrum", "pelvis"}},
      {"limbs",
       {"humerus*", "scapula*", "clavicula*", "femur*", "patella*", "tibia*", "fibula*", "tarsal*",
        "metatarsal*", "phalanges_*", "ulna*", "radius*", "carpal*", "metacarpal*"}},
      {"vessels", {"@arteries", "@veins", "vessel", "vessels", "lung_vessels", "liver_vessels"}},
      {"arteries",
       {"aorta", "iliac_artery_*", "pulmonary_artery*", "brachiocephalic_trunk", "subclavian_artery_*",
        "common_carotid_artery_*", "internal_carotid_artery_*", "coronary_arteries"}},
      {"veins",
       {"inferior_vena_cava", "superior_vena_cava", "portal_vein_and_splenic_vein", "iliac_vena_*",
        "pulmonary_vein*", "brachiocephalic_vein_*", "internal_jugular_vein_*"}},
      {"heart", {"heart", "heart_*", "atrial_appendage_left"}},
      {"lungs", {"lung", "lung_left", "lung_right", "lung_upper_*", "lung_middle_*", "lung_lower_*"}},
      {"airways", {"trachea", "airway", "lung_trachea_bronchia"}},
      {"organs", {"@abdomen", "@lungs", "@airways", "@heart", "@brain", "esophagus", "thyroid_gland"}},
      {"abdomen",
       {"spleen", "@kidneys", "gallbladder", "liver", "stomach", "pancreas", "adrenal_gland_*", "@bowel",
        "urinary_bladder", "prostate"}},
      {"kidneys", {"kidney", "kidney_*"}},
      {"digestive", {"esophagus", "stomach", "@bowel"}},
      {"bowel", {"duodenum", "small_bowel", "colon"}},
      {"urinary", {"@kidneys", "urinary_bladder"}},
      {"muscles", {"gluteus_*", "autochthon_*", "iliopsoas_*", "muscle", "skeletal_muscle"}},
      {"brain", {"brain"}},
      {"nerves", {"brain", "spinal_cord"}},
      {"fat", {"fat", "subcutaneous_fat", "torso_fat", "intermuscular_fat"}},
      {"skin", {"skin"}},
      {"soft_tissue", {"soft_tissue"}},
      {"body", {"@muscles", "@fat", "@skin", "@soft_tissue", "body", "body_*", "face"}},
  };
  return table;
}

// Words that people type for a group.
constexpr std::pair<std::string_view, std::string_view> kAliases[] = {
    {"bone", "skeleton"},  {"bones", "skeleton"}, {"rib", "ribs"},        {"vertebra", "vertebrae"},
    {"lung", "lungs"},     {"vessel", "vessels"}, {"artery", "arteries"}, {"vein", "veins"},
    {"kidney", "kidneys"}, {"airway", "airways"}, {"muscle", "muscles"},  {"organ", "organs"}};

constexpr std::string_view kTissueNames[] = {"lung", "bone", "vessel", "soft_tissue",
                                             "fat",  "skin", "airway"};

// "Left Kidney" and "left-kidney" are left_kidney. Case is kept out of comparisons.
std::string normalised_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    out += c == ' ' || c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

const Group* find_group(std::string_view term) {
  for (const auto& [alias, group] : kAliases) {
    if (term == alias) term = group;
  }
  for (const Group& group : groups()) {
    if (group.name == term) return &group;
  }
  return nullptr;
}

bool in_group(std::string_view name, const Group& group) {
  return std::any_of(group.members.begin(), group.members.end(), [&](std::string_view member) {
    if (member.front() == '@') return in_group(name, *find_group(member.substr(1)));
    if (member.back() == '*') return name.starts_with(member.substr(0, member.size() - 1));
    return name == member;
  });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return text;
}

// Everything that a user may write: groups, the organs of these labels, and all organs that we know of.
std::vector<std::string> known_terms(const LabelVolume& labels) {
  std::vector<std::string> terms = group_names();
  for (const auto& [alias, group] : kAliases) terms.emplace_back(alias);
  for (const auto& [label, name] : labels.names) terms.push_back(normalised_name(name));
  for (const LabelVersion version : {LabelVersion::kV2, LabelVersion::kV1}) {
    for (const std::string_view name : total_segmentator_names(version))
      terms.push_back(normalised_name(name));
  }
  for (const std::string_view name : kTissueNames) terms.emplace_back(name);
  return terms;
}

}  // namespace

std::vector<std::string> group_names() {
  std::vector<std::string> names;
  for (const Group& group : groups()) names.emplace_back(group.name);
  return names;
}

bool organ_matches(std::string_view name, std::string_view term) {
  const std::string organ = normalised_name(name), wanted = normalised_name(term);
  if (organ == wanted) return true;
  const Group* group = find_group(wanted);
  return group != nullptr && in_group(organ, *group);
}

std::vector<std::string> split_at_commas(const std::vector<std::string>& terms) {
  std::vector<std::string> out;
  for (const std::string& term : terms) {
    std::string_view rest = term;
    while (true) {
      const std::size_t comma = rest.find(',');
      const std::string_view word = trimmed(rest.substr(0, comma));
      if (!word.empty()) out.emplace_back(word);
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return out;
}

std::array<bool, 256> select_organs(const LabelVolume& labels, const std::vector<std::string>& terms) {
  const std::vector<std::string> words = split_at_commas(terms);
  if (words.empty())
    fail_input("no organ was named; give names or groups such as skeleton,vessels or all,-skin");
  const std::vector<std::string> known = known_terms(labels);

  std::array<bool, 256> selected{};
  // "-skin" alone means everything but the skin.
  if (words.front().front() == '-') selected.fill(true);
  for (const std::string& word : words) {
    const bool remove = word.front() == '-';
    const std::string term = normalised_name(trimmed(std::string_view(word).substr(remove ? 1 : 0)));
    if (std::find(known.begin(), known.end(), term) == known.end()) {
      const std::string near = nearest_word(term, known);
      fail_input("unknown organ or group '{}'{}; groups are {}", word,
                 near.empty() ? std::string() : fmt::format(", did you mean '{}'?", near),
                 fmt::format("{}", fmt::join(group_names(), ", ")));
    }
    if (term == "all") {
      selected.fill(!remove);  // the unlabelled body too
      continue;
    }
    bool found = false;
    for (const auto& [label, name] : labels.names) {
      if (!organ_matches(name, term)) continue;
      selected[label] = !remove;
      found = true;
    }
    if (!found) log_warning("these labels hold no organ that '{}' stands for", term);
  }
  return selected;
}

}  // namespace renderfm
