// Data sets as they lie on a cluster.
#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>
#include <sstream>

#include <nlohmann/json.hpp>

#include "renderfm/core/check.h"
#include "renderfm/core/log.h"
#include "renderfm/data/scan_source.h"

namespace renderfm::data {
namespace {

namespace fs = std::filesystem;

void require_folder(const fs::path& path, const char* what) {
  std::error_code error;
  if (!fs::is_directory(path, error)) fail_input("{}: there is no such folder of {}", path.string(), what);
}

std::vector<fs::path> sorted_entries(const fs::path& folder) {
  std::vector<fs::path> entries;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) entries.push_back(entry.path());
  std::sort(entries.begin(), entries.end());
  return entries;
}

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

std::string our_split(const std::string& name, const std::string& where) {
  if (name == "train" || name == "test") return name;
  if (name == "val" || name == "validation") return "validation";
  fail_input("{}: the split '{}' is not train, val or test", where, name);
}

std::vector<std::string> split_line(const std::string& line, char separator) {
  std::vector<std::string> cells;
  std::istringstream stream(line);
  for (std::string cell; std::getline(stream, cell, separator);) {
    std::erase_if(cell, [](char c) { return c == '"' || c == '\r'; });
    cells.push_back(cell);
  }
  return cells;
}

/// image_id -> split of meta.csv; separated by semicolons as published, or by commas.
std::map<std::string, std::string> read_meta(const fs::path& path) {
  std::ifstream stream(path);
  std::string line;
  if (!stream || !std::getline(stream, line)) {
    fail_input("{} cannot be read; it comes with TotalSegmentator and says which scan is for training",
               path.string());
  }
  if (line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
  const char separator = line.find(';') != std::string::npos ? ';' : ',';
  const std::vector<std::string> header = split_line(line, separator);
  const auto column = [&](const char* name) {
    const auto found = std::find(header.begin(), header.end(), name);
    if (found == header.end()) fail_input("{} has no column '{}'", path.string(), name);
    return static_cast<std::size_t>(found - header.begin());
  };
  const std::size_t id = column("image_id"), split = column("split");
  std::map<std::string, std::string> splits;
  for (int number = 2; std::getline(stream, line); ++number) {
    const std::vector<std::string> cells = split_line(line, separator);
    if (cells.size() <= std::max(id, split) || cells[id].empty()) continue;
    splits[cells[id]] = our_split(cells[split], fmt::format("{} line {}", path.string(), number));
  }
  return splits;
}

}  // namespace

std::vector<ScanSource> total_segmentator_scans(const fs::path& root) {
  require_folder(root, "TotalSegmentator scans");
  const auto splits = read_meta(root / "meta.csv");
  std::vector<ScanSource> scans;
  int incomplete = 0;
  for (const auto& [id, split] : splits) {
    const fs::path folder = root / id;
    std::error_code error;
    if (!is_file(folder / "ct.nii.gz") || !fs::is_directory(folder / "segmentations", error)) {
      ++incomplete;
      continue;
    }
    ScanSource scan{id, split, {}, {}, {}};
    scan.files.ct = folder / "ct.nii.gz";
    scan.files.labels = folder / "segmentations";
    scans.push_back(std::move(scan));
  }
  if (scans.empty()) {
    fail_input("{}: meta.csv names {} scans, but not one has ct.nii.gz and segmentations/", root.string(),
               splits.size());
  }
  if (incomplete > 0) {
    log_warning("{}: {} of {} scans in meta.csv lack ct.nii.gz or segmentations/ and are left out",
                root.string(), incomplete, splits.size());
  }
  return scans;
}

std::vector<ScanSource> ct_org_scans(const fs::path& root) {
  require_folder(root, "CT-ORG scans");
  constexpr int kTestScans = 21;
  const std::map<std::uint8_t, std::string> names = {
      {1, "liver"}, {2, "urinary_bladder"}, {3, "lung"}, {4, "kidney"}, {5, "bone"}, {6, "brain"}};
  std::map<int, fs::path> volumes, labels;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root)) {
    const std::string file = entry.path().filename().string();
    for (const auto& [prefix, found] : {std::pair(std::string_view("volume-"), &volumes),
                                        std::pair(std::string_view("labels-"), &labels)}) {
      if (!file.starts_with(prefix)) continue;
      int number = 0;
      const char* const end = file.data() + file.size();
      const auto parsed = std::from_chars(file.data() + prefix.size(), end, number);
      const std::string_view suffix(parsed.ptr, end);
      if (parsed.ec == std::errc() && (suffix == ".nii.gz" || suffix == ".nii"))
        (*found)[number] = entry.path();
    }
  }
  std::vector<ScanSource> scans;
  for (const auto& [number, volume] : volumes) {
    if (labels.count(number) == 0) {
      log_warning("{}: there is no labels-{} beside it; the scan is left out", volume.string(), number);
      continue;
    }
    ScanSource scan{fmt::format("ctorg_{:03}", number), number < kTestScans ? "test" : "train", {}, {}, {}};
    scan.files.ct = volume;
    scan.files.labels = labels[number];
    scan.files.label_names = names;
    scans.push_back(std::move(scan));
  }
  if (scans.empty()) fail_input("{} holds no volume-N.nii.gz with labels-N.nii.gz", root.string());
  return scans;
}

namespace {

struct NnUnetDataset {
  std::string file_ending;
  std::map<std::uint8_t, std::string> labels;
};

std::string organ_name(std::string name) {
  for (char& c : name) c = c == ' ' ? '_' : c;
  return name;
}

NnUnetDataset read_nnunet(const fs::path& path) {
  using Json = nlohmann::ordered_json;
  std::ifstream stream(path);
  if (!stream) fail_input("cannot read {}: nnU-Net data sets have one", path.string());
  NnUnetDataset dataset;
  try {
    const Json json = Json::parse(stream);
    dataset.file_ending = json.value("file_ending", ".nii.gz");
    const Json& channels = json.contains("channel_names") ? json.at("channel_names") : json.at("modality");
    const std::string channel = channels.at("0").get<std::string>();
    if (channel.find("CT") == std::string::npos && channel.find("ct") == std::string::npos) {
      fail_input("{}: its first channel is '{}', not CT", path.string(), channel);
    }
    for (const auto& [key, value] : json.at("labels").items()) {
      if (value.is_array()) {
        fail_input("{}: label '{}' is a region of several values; export plain labels first", path.string(),
                   key);
      }
      // Version 1 maps number to name, version 2 name to number.
      const bool first_version = value.is_string();
      const int number = first_version ? std::stoi(key) : value.get<int>();
      const std::string name = first_version ? value.get<std::string>() : key;
      if (number < 0 || number > 255)
        fail_input("{}: label {} is not within 0 to 255", path.string(), number);
      if (number > 0 && name != "ignore")
        dataset.labels[static_cast<std::uint8_t>(number)] = organ_name(name);
    }
  } catch (const Json::exception& error) {
    fail_input("{} is no nnU-Net dataset.json: {}", path.string(), error.what());
  } catch (const std::logic_error&) {
    fail_input("{} is no nnU-Net dataset.json: a label's number is no number", path.string());
  }
  return dataset;
}

}  // namespace

std::vector<ScanSource> nnunet_scans(const fs::path& root) {
  require_folder(root, "nnU-Net data");
  const NnUnetDataset dataset = read_nnunet(root / "dataset.json");
  const std::string tail = "_0000" + dataset.file_ending;
  std::vector<ScanSource> scans;
  for (const auto& [images, labels, split] :
       {std::tuple("imagesTr", "labelsTr", ""), std::tuple("imagesTs", "labelsTs", "test")}) {
    std::error_code error;
    if (!fs::is_directory(root / images, error)) continue;
    for (const fs::path& image : sorted_entries(root / images)) {
      const std::string file = image.filename().string();
      if (file.front() == '.' || !file.ends_with(tail)) continue;
      const std::string id = file.substr(0, file.size() - tail.size());
      ScanSource scan{id, split, {}, {}, {}};
      scan.files.ct = image;
      const fs::path label = root / labels / (id + dataset.file_ending);
      if (is_file(label)) {
        scan.files.labels = label;
        scan.files.label_names = dataset.labels;
      } else if (std::string_view(split) != "test") {
        log_warning("{}: there is no {}; the scan is left out", image.string(), label.string());
        continue;
      }
      scans.push_back(std::move(scan));
    }
  }
  if (scans.empty()) fail_input("{} holds no imagesTr/CASE{}", root.string(), tail);
  return scans;
}

}  // namespace renderfm::data
