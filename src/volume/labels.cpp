// Reads labels from a multi-label file, a folder of masks or one mask, finds their names and brings them onto
// the CT's grid.
#include "renderfm/volume/labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "io/nifti_extension.h"
#include "labels_check.h"
#include "renderfm/core/check.h"
#include "renderfm/volume/image_io.h"
#include "total_segmentator_names.h"

namespace renderfm {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kImageSuffixes[] = {".nii.gz", ".nii", ".nrrd", ".mha", ".mhd"};

// File name without the image suffix; "" where it has none.
std::string image_stem(const fs::path& path) {
  const std::string file = path.filename().string();
  for (const std::string_view suffix : kImageSuffixes) {
    if (file.size() > suffix.size() && file.ends_with(suffix))
      return file.substr(0, file.size() - suffix.size());
  }
  return {};
}

// "aorta_mask.nii.gz" holds the aorta.
std::string organ_from_file(const fs::path& path) {
  std::string stem = image_stem(path);
  if (stem.empty()) stem = path.stem().string();
  for (const std::string_view tail :
       {"_mask", "-mask", "_segmentation", "_seg", "-seg", "_label", "-label", "_labels"}) {
    if (stem.size() > tail.size() && stem.ends_with(tail)) stem.resize(stem.size() - tail.size());
  }
  return stem;
}

std::array<std::int64_t, 256> count_labels(const LabelVolume& labels) {
  std::array<std::int64_t, 256> counts{};
  for (const std::uint8_t label : labels.voxels) ++counts[label];
  return counts;
}

std::vector<std::uint8_t> labels_present(const LabelVolume& labels) {
  const auto counts = count_labels(labels);
  std::vector<std::uint8_t> present;
  for (int label = 1; label < 256; ++label) {
    if (counts[label] > 0) present.push_back(static_cast<std::uint8_t>(label));
  }
  return present;
}

const char* version_text(LabelVersion version) { return version == LabelVersion::kV1 ? "v1" : "v2"; }

std::optional<LabelVersion> parse_version(const std::string& version) {
  if (version.empty()) return std::nullopt;
  if (version == "v1") return LabelVersion::kV1;
  if (version == "v2") return LabelVersion::kV2;
  fail_input("--label-version is '{}'; it must be v1 (104 classes) or v2 (117 classes)", version);
}

LabelNames names_of(LabelVersion version, const std::vector<std::uint8_t>& present) {
  const auto table = total_segmentator_names(version);
  LabelNames names;
  for (const std::uint8_t label : present) {
    if (label <= table.size()) names[label] = table[label - 1];
  }
  return names;
}

// The numbering that gives every one of these labels this name.
std::optional<LabelVersion> recognise(const LabelNames& names) {
  for (const LabelVersion version : {LabelVersion::kV2, LabelVersion::kV1}) {
    const auto table = total_segmentator_names(version);
    if (std::all_of(names.begin(), names.end(), [&](const auto& entry) {
          return entry.first <= table.size() && table[entry.first - 1] == entry.second;
        })) {
      return version;
    }
  }
  return std::nullopt;
}

// Names for labels whose file has none. `labels` lies on the grid of `ct`.
LabelNames names_from_numbers(const LabelVolume& labels, const CtVolume& ct,
                              std::optional<LabelVersion> version, const std::string& what,
                              ScanReport& report) {
  const std::vector<std::uint8_t> present = labels_present(labels);
  const int greatest = present.back();
  if (version) {
    const std::size_t classes = total_segmentator_names(*version).size();
    if (static_cast<std::size_t>(greatest) > classes) {
      fail_input(
          "{}: label {} occurs, but TotalSegmentator {} ends at {}; give the right --label-version, or a "
          "file "
          "that names its labels",
          what, greatest, version_text(*version), classes);
    }
    report.add_fact("label_numbering",
                    fmt::format("TotalSegmentator {}, as --label-version says", version_text(*version)));
    return names_of(*version, present);
  }
  const std::size_t classes_v1 = total_segmentator_names(LabelVersion::kV1).size();
  const std::size_t classes_v2 = total_segmentator_names(LabelVersion::kV2).size();
  if (static_cast<std::size_t>(greatest) > classes_v2) {
    fail_input(
        "{}: label {} occurs without a name, and no TotalSegmentator numbering goes beyond {}; give a NIfTI "
        "file that names its labels, or a folder with one <organ>.nii.gz per organ",
        what, greatest, classes_v2);
  }
  const auto statistics = label_statistics(labels, ct);
  const LabelNames names_v1 = names_of(LabelVersion::kV1, present),
                   names_v2 = names_of(LabelVersion::kV2, present);
  const AnatomyVote v1 = vote_on_anatomy(statistics, names_v1), v2 = vote_on_anatomy(statistics, names_v2);
  if (static_cast<std::size_t>(greatest) > classes_v1) {
    report.add_repair(
        "label_names_inferred",
        fmt::format("{}: the labels have no names; label {} occurs, which TotalSegmentator v1 lacks, so "
                    "they were read as v2 ({} of {} anatomical tests agree)",
                    what, greatest, v2.tested - v2.contradicted, v2.tested));
    return names_v2;
  }
  // Anatomy decides only where one numbering is contradicted by nothing and the other by much.
  const auto decisive = [](const AnatomyVote& good, const AnatomyVote& bad) {
    return good.tested >= 3 && good.contradicted == 0 && bad.contradicted >= 3;
  };
  for (const LabelVersion guess : {LabelVersion::kV2, LabelVersion::kV1}) {
    const bool second = guess == LabelVersion::kV2;
    const AnatomyVote& good = second ? v2 : v1;
    const AnatomyVote& bad = second ? v1 : v2;
    if (!decisive(good, bad)) continue;
    report.add_repair(
        "label_names_inferred",
        fmt::format("{}: the labels have no names; all {} anatomical tests agree with TotalSegmentator "
                    "{} and {} contradict the other numbering ({}), so they were read as {}",
                    what, good.tested, version_text(guess), bad.contradicted, bad.example,
                    version_text(guess)));
    return second ? names_v2 : names_v1;
  }
  fail_input(
      "{}: the labels have no names, and nothing in them tells TotalSegmentator v1 (104 classes) from v2 "
      "(117 "
      "classes); say --label-version v1 or --label-version v2",
      what);
}

LabelVolume read_file(const fs::path& path, const CtVolume& ct, std::optional<LabelVersion> version,
                      ScanReport& report) {
  const std::string what = path.string();
  LabelVolume labels = fit_to_grid(read_label_image(path, report), ct, what, report);
  const std::vector<std::uint8_t> present = labels_present(labels);
  if (present.empty())
    fail_input("{}: every voxel is 0, so nothing is labelled; give a file with labels", what);

  LabelNames embedded = read_label_names(path);
  if (!embedded.empty()) {
    const std::optional<LabelVersion> found = recognise(embedded);
    if (version && found && *found != *version) {
      const LabelNames all = names_of(*version, present);
      const bool differ = std::any_of(present.begin(), present.end(), [&](std::uint8_t label) {
        return embedded.count(label) && (!all.count(label) || all.at(label) != embedded.at(label));
      });
      if (differ) {
        fail_input(
            "{}: the names in the file are TotalSegmentator {}, but --label-version says {}; leave the "
            "option "
            "out",
            what, version_text(*found), version_text(*version));
      }
    }
    report.add_fact("label_numbering",
                    found ? fmt::format("TotalSegmentator {}, by the names in the file", version_text(*found))
                          : std::string("own names in the file"));
    for (const std::uint8_t label : present) {
      const auto name = embedded.find(label);
      labels.names[label] = name == embedded.end() ? fmt::format("label_{}", label) : name->second;
      if (name == embedded.end()) {
        report.add_repair("label_unnamed",
                          fmt::format("{}: the file names its labels, but not {}; it is called "
                                      "label_{}",
                                      what, label, label));
      }
    }
    return labels;
  }

  static const std::set<std::string> kGenericStems = {
      "", "label", "labels", "seg", "segmentation", "segmentations", "mask", "masks", "total", "ml"};
  const std::string organ = organ_from_file(path);
  const bool one_value =
      present.size() == 1 && (present[0] == 1 || present[0] == 255 || total_segmentator_label(organ) > 0);
  if (one_value && !version && !kGenericStems.count(organ)) {
    const int number = total_segmentator_label(organ);
    const auto label = static_cast<std::uint8_t>(number > 0 ? number : present[0]);
    std::replace(labels.voxels.begin(), labels.voxels.end(), present[0], label);
    labels.names[label] = organ;
    report.add_fact("label_numbering", fmt::format("one mask, named {} by its file", organ));
    return labels;
  }
  labels.names = names_from_numbers(labels, ct, version, what, report);
  return labels;
}

// Masks of a folder, in the order of their names.
std::vector<fs::path> mask_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string stem = image_stem(entry.path());
    // A TotalSegmentator case keeps its scan beside the folder of masks; some tools put it among them.
    if (!entry.is_regular_file() || stem.empty() || stem.front() == '.' || stem == "ct") continue;
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Numbers for organs: TotalSegmentator's own where it has one, else the next free one above.
class OrganNumbers {
 public:
  std::uint8_t number_for(const std::string& organ, const std::string& what) {
    if (const int known = total_segmentator_label(organ); known > 0) return static_cast<std::uint8_t>(known);
    if (next_ == 201) next_ = 211;  // 201 to 210 are the tissue estimator's
    if (next_ > 255)
      fail_input("{}: more organs than the 255 labels that one map holds; give fewer masks", what);
    return static_cast<std::uint8_t>(next_++);
  }

 private:
  int next_ = 118;
};

LabelVolume read_folder(const fs::path& path, const CtVolume& ct, ScanReport& report) {
  fs::path folder = path;
  std::vector<fs::path> files = mask_files(folder);
  if (files.empty() && fs::is_directory(folder / "segmentations")) {
    folder /= "segmentations";
    files = mask_files(folder);
  }
  if (files.empty()) {
    fail_input("{}: the folder holds no mask; give one <organ>.nii.gz per organ", folder.string());
  }

  LabelVolume merged;
  merged.geometry = ct.geometry;
  merged.voxels.assign(ct.voxels.size(), 0);
  std::array<std::int64_t, 256> sizes{};  // of each whole mask, by label
  std::map<std::pair<std::uint8_t, std::uint8_t>, std::int64_t> overlaps;
  OrganNumbers numbers;
  int empty = 0;
  for (const fs::path& file : files) {
    LabelVolume mask = read_label_image(file, report);
    const std::vector<std::uint8_t> present = labels_present(mask);
    if (present.size() > 1) {
      fail_input(
          "{}: holds {} different labels, but in a folder each file is the mask of one organ; give that file "
          "itself as the labels",
          file.string(), present.size());
    }
    if (present.empty()) {
      ++empty;
      continue;
    }
    mask = fit_to_grid(std::move(mask), ct, file.string(), report);
    const std::string organ = organ_from_file(file);
    const std::uint8_t label = numbers.number_for(organ, folder.string());
    if (!merged.names.emplace(label, organ).second) {
      fail_input("{}: two masks hold {}; keep one of them", folder.string(), organ);
    }
    const auto counts = count_labels(mask);
    sizes[label] = static_cast<std::int64_t>(mask.voxels.size()) - counts[0];
    for (std::size_t p = 0; p < mask.voxels.size(); ++p) {
      if (mask.voxels[p] == 0) continue;
      std::uint8_t& voxel = merged.voxels[p];
      if (voxel != 0) {
        ++overlaps[{std::min(voxel, label), std::max(voxel, label)}];
        // The smaller organ is the more specific one; a total order keeps the result free of the order of
        // files.
        if (std::pair(sizes[voxel], voxel) < std::pair(sizes[label], label)) continue;
      }
      voxel = label;
    }
  }
  if (merged.names.empty())
    fail_input("{}: every mask is empty; give masks with labelled voxels", folder.string());
  if (!overlaps.empty()) {
    std::int64_t voxels = 0;
    auto greatest = overlaps.begin();
    for (auto entry = overlaps.begin(); entry != overlaps.end(); ++entry) {
      voxels += entry->second;
      if (entry->second > greatest->second) greatest = entry;
    }
    report.add_repair(
        "masks_overlap",
        fmt::format("{}: {} voxels lie in more than one mask and went to the smaller organ (most of them "
                    "in {} and {})",
                    folder.string(), voxels, merged.names[greatest->first.first],
                    merged.names[greatest->first.second]));
  }
  // A mask that lost every voxel no longer occurs.
  const auto left = count_labels(merged);
  std::erase_if(merged.names, [&](const auto& entry) { return left[entry.first] == 0; });
  report.add_fact("label_numbering",
                  fmt::format("{} masks named by their files, {} of them empty", files.size(), empty));
  return merged;
}

}  // namespace

LabelVolume read_labels(const std::filesystem::path& path, const CtVolume& ct, const std::string& version,
                        ScanReport& report) {
  const std::optional<LabelVersion> wanted = parse_version(version);
  std::error_code error;
  if (!fs::exists(path, error)) fail_input("{}: there is no such file or folder of labels", path.string());
  LabelVolume labels =
      fs::is_directory(path, error) ? read_folder(path, ct, report) : read_file(path, ct, wanted, report);
  check_same_patient(labels, ct, path.string(), report);
  report.add_fact("labels", fmt::format("{} organs", labels.names.size()));
  return labels;
}

LabelVolume read_named_labels(const std::filesystem::path& path, const CtVolume& ct,
                              const std::map<std::uint8_t, std::string>& names, ScanReport& report) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) fail_input("{}: there is no such file of labels", path.string());
  LabelVolume labels = fit_to_grid(read_label_image(path, report), ct, path.string(), report);
  for (const std::uint8_t label : labels_present(labels)) {
    const auto name = names.find(label);
    labels.names[label] = name == names.end() ? fmt::format("label_{}", label) : name->second;
    if (name == names.end()) {
      report.add_repair("label_unnamed", fmt::format("{}: label {} occurs, which the data set does not name; "
                                                     "it is called label_{}",
                                                     path.string(), label, label));
    }
  }
  if (!labels.names.empty()) check_same_patient(labels, ct, path.string(), report);
  report.add_fact("label_numbering", "the data set's own");
  report.add_fact("labels", fmt::format("{} organs", labels.names.size()));
  return labels;
}

}  // namespace renderfm
