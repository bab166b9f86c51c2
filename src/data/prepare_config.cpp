#include "renderfm/data/prepare_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "data/name_bits.h"
#include "renderfm/core/check.h"
#include "renderfm/data/close_up.h"
#include "renderfm/math/rng.h"

namespace renderfm::data {
namespace {

constexpr std::pair<const char*, ScanEntry::Kind> kDatasets[] = {
    {"totalsegmentator", ScanEntry::Kind::kTotalSegmentator},
    {"ct_org", ScanEntry::Kind::kCtOrg},
    {"nnunet", ScanEntry::Kind::kNnUnet}};

int whole_number(const ConfigNode& node, std::string_view key, int fallback, int least, int greatest) {
  const std::int64_t value = node.int_or(key, fallback);
  if (value < least || value > greatest) {
    fail_input("{}: it is {}; it must be {} to {}", node.at(key).where(), value, least, greatest);
  }
  return static_cast<int>(value);
}

void check_split(const std::string& split, const std::string& where) {
  if (split != "train" && split != "validation" && split != "test") {
    fail_input("{}: '{}' is no split; give train, validation or test", where, split);
  }
}

SceneWish read_scenes(const ConfigNode& node, SceneWish scenes) {
  node.check_keys(
      {"spacing", "boxes", "box_voxels", "halo_voxels", "least_foreground", "whole", "whole_spacing_mm"});
  scenes.spacing = node.string_or("spacing", scenes.spacing);
  scenes.boxes = whole_number(node, "boxes", scenes.boxes, 0, 100000);
  scenes.box_voxels = whole_number(node, "box_voxels", scenes.box_voxels, 1, 4096);
  scenes.halo_voxels = whole_number(node, "halo_voxels", scenes.halo_voxels, 0, 1024);
  scenes.least_foreground = node.double_or("least_foreground", scenes.least_foreground);
  scenes.whole = whole_number(node, "whole", scenes.whole, 0, 1);
  scenes.whole_spacing_mm = node.double_or("whole_spacing_mm", scenes.whole_spacing_mm);
  return scenes;
}

ViewCounts read_counts(const ConfigNode& node, ViewCounts count) {
  count.train = whole_number(node, "train", count.train, 0, 100000);
  count.test = whole_number(node, "test", count.test, 0, 100000);
  return count;
}

ScanEntry read_scan(const ConfigNode& node, const PrepareConfig& config,
                    const std::filesystem::path& folder) {
  node.check_keys({"ct", "labels", "label_version", "series", "timepoint", "phantoms", "first_seed",
                   "population", "contrast", "totalsegmentator", "ct_org", "nnunet", "split", "splits",
                   "limit", "scenes", "views"});
  ScanEntry entry;
  int kinds = 0;
  if (node.has("ct")) {
    ++kinds;
    entry.path = folder / node.at("ct").as_string();
    if (node.has("labels")) entry.files.labels = folder / node.at("labels").as_string();
    entry.files.label_version = node.string_or("label_version", "");
    entry.files.read.series = node.string_or("series", "");
    entry.files.read.time_point = whole_number(node, "timepoint", -1, -1, 1 << 20);
  }
  if (node.has("phantoms")) {
    ++kinds;
    entry.kind = ScanEntry::Kind::kPhantoms;
    entry.phantoms = whole_number(node, "phantoms", 0, 1, 1000000);
    entry.first_seed = static_cast<std::uint64_t>(whole_number(node, "first_seed", 1, 0, 1 << 30));
    entry.population = node.bool_or("population", true);
    entry.contrast = node.bool_or("contrast", true);
  }
  for (const auto& [key, kind] : kDatasets) {
    if (!node.has(key)) continue;
    ++kinds;
    entry.kind = kind;
    entry.path = folder / node.at(key).as_string();
  }
  if (kinds != 1) {
    fail_input("{}: give one of ct, phantoms, totalsegmentator, ct_org or nnunet; {} are given", node.where(),
               kinds);
  }
  if (node.has("split")) {
    entry.split = node.at("split").as_string();
    check_split(entry.split, node.at("split").where());
  }
  if (node.has("splits")) {
    entry.keep_splits = node.at("splits").as_strings();
    for (const std::string& split : entry.keep_splits) check_split(split, node.at("splits").where());
  }
  entry.limit = whole_number(node, "limit", 0, 0, 1 << 30);
  if (node.has("scenes")) entry.scenes = read_scenes(node.at("scenes"), config.scenes);
  if (node.has("views")) {
    node.at("views").check_keys({"train", "test"});
    entry.views = read_counts(node.at("views"), config.views.count);
  }
  return entry;
}

std::array<int, 2> read_size(const ConfigNode& node) {
  const std::vector<double> size = node.as_doubles();
  if (size.size() != 2) fail_input("{}: give [width, height] in pixels", node.where());
  return {static_cast<int>(size[0]), static_cast<int>(size[1])};
}

void in_range(const char* key, double value, double least, double greatest) {
  if (!(value >= least && value <= greatest)) {
    fail_input("{} is {}; it must be {} to {}", key, value, least, greatest);
  }
}

void check_scenes(const SceneWish& scenes) {
  if (scenes.boxes == 0 && scenes.whole == 0) {
    fail_input("scenes: neither boxes nor whole scans are wanted; set boxes to 1 or more, or whole to 1");
  }
  in_range("scenes.least_foreground", scenes.least_foreground, 0, 1);
  in_range("scenes.box_voxels", scenes.box_voxels, 1, 4096);
  parse_spacing(scenes.spacing);
  parse_spacing(fmt::format("{}", scenes.whole_spacing_mm));
}

std::string quoted(const std::string& text) { return nlohmann::json(text).dump(); }

std::string quoted(const std::vector<std::string>& texts) {
  std::vector<std::string> list;
  for (const std::string& text : texts) list.push_back(quoted(text));
  return fmt::format("[{}]", fmt::join(list, ", "));
}

/// The keys of a `scenes` block, each after `indent`.
std::string scenes_to_yaml(const SceneWish& scenes, const std::string& indent) {
  std::string text;
  const auto add = [&](const char* key, const auto& value) {
    text += fmt::format("{}{}: {}\n", indent, key, value);
  };
  add("spacing", scenes.spacing);
  add("boxes", scenes.boxes);
  add("box_voxels", scenes.box_voxels);
  add("halo_voxels", scenes.halo_voxels);
  add("least_foreground", scenes.least_foreground);
  add("whole", scenes.whole);
  add("whole_spacing_mm", scenes.whole_spacing_mm);
  return text;
}

std::string scan_to_yaml(const ScanEntry& entry) {
  std::string text = "  - ";
  switch (entry.kind) {
    case ScanEntry::Kind::kFile:
      text += fmt::format("ct: {}\n", quoted(entry.path.string()));
      if (!entry.files.labels.empty())
        text += fmt::format("    labels: {}\n", quoted(entry.files.labels.string()));
      if (!entry.files.label_version.empty()) {
        text += fmt::format("    label_version: {}\n", entry.files.label_version);
      }
      if (!entry.files.read.series.empty()) {
        text += fmt::format("    series: {}\n", quoted(entry.files.read.series));
      }
      if (entry.files.read.time_point >= 0)
        text += fmt::format("    timepoint: {}\n", entry.files.read.time_point);
      break;
    case ScanEntry::Kind::kPhantoms:
      text += fmt::format("phantoms: {}\n    first_seed: {}\n    population: {}\n    contrast: {}\n",
                          entry.phantoms, entry.first_seed, entry.population, entry.contrast);
      break;
    default:
      for (const auto& [key, kind] : kDatasets) {
        if (kind == entry.kind) text += fmt::format("{}: {}\n", key, quoted(entry.path.string()));
      }
  }
  if (!entry.split.empty()) text += fmt::format("    split: {}\n", entry.split);
  if (!entry.keep_splits.empty()) text += fmt::format("    splits: {}\n", quoted(entry.keep_splits));
  if (entry.limit > 0) text += fmt::format("    limit: {}\n", entry.limit);
  if (entry.scenes) text += "    scenes:\n" + scenes_to_yaml(*entry.scenes, "      ");
  if (entry.views) {
    text += fmt::format("    views: {{train: {}, test: {}}}\n", entry.views->train, entry.views->test);
  }
  return text;
}

std::vector<ScanSource> scans_of(const ScanEntry& entry) {
  switch (entry.kind) {
    case ScanEntry::Kind::kTotalSegmentator: return total_segmentator_scans(entry.path);
    case ScanEntry::Kind::kCtOrg: return ct_org_scans(entry.path);
    case ScanEntry::Kind::kNnUnet: return nnunet_scans(entry.path);
    case ScanEntry::Kind::kFile: {
      SceneOptions files = entry.files;
      files.ct = entry.path;
      std::error_code error;
      if (!std::filesystem::exists(files.ct, error))
        fail_input("{}: there is no such scan", files.ct.string());
      return {scan_from_file(files)};
    }
    case ScanEntry::Kind::kPhantoms: break;
  }
  std::vector<ScanSource> scans;
  for (int n = 0; n < entry.phantoms; ++n) {
    ScanSource scan;
    scan.phantom.emplace();
    scan.phantom->seed = entry.first_seed + static_cast<std::uint64_t>(n);
    scan.phantom->contrast = entry.contrast;
    if (entry.population) scan.phantom->traits = sample_phantom_traits(scan.phantom->seed);
    scan.id = fmt::format("phantom_{:04}", scan.phantom->seed);
    scans.push_back(std::move(scan));
  }
  return scans;
}

/// In [0, 1), by the scan's own name, so that more scans leave what was drawn for those there as it was.
double drawn(const PrepareConfig& config, const std::string& id, std::uint64_t purpose) {
  return unit_from_bits<double>(hash64(config.seed, name_bits(id), purpose));
}

std::string drawn_split(const PrepareConfig& config, const std::string& id) {
  const double u = drawn(config, id, 0x73706C6974);
  if (u < config.test_share) return "test";
  return u < config.test_share + config.validation_share ? "validation" : "train";
}

}  // namespace

PrepareConfig prepare_config(const ConfigNode& yaml, const std::filesystem::path& scans_folder) {
  yaml.check_keys({"seed", "scans", "validation_share", "test_share", "label_dropout", "scenes", "looks",
                   "views", "light", "exposure", "points"});
  PrepareConfig config;
  config.seed = static_cast<std::uint64_t>(whole_number(yaml, "seed", 1, 0, 1 << 30));
  if (yaml.has("scenes")) config.scenes = read_scenes(yaml.at("scenes"), {});
  config.validation_share = yaml.double_or("validation_share", 0);
  config.test_share = yaml.double_or("test_share", 0);
  config.label_dropout = yaml.double_or("label_dropout", 0);
  if (yaml.has("looks")) {
    const ConfigNode node = yaml.at("looks");
    node.check_keys({"presets", "organs", "random", "unseen", "organ_subsets"});
    LookWish& looks = config.looks;
    if (node.has("presets")) looks.presets = node.at("presets").as_strings();
    if (node.has("organs")) looks.organs = node.at("organs").as_strings();
    looks.random = whole_number(node, "random", looks.random, 0, 10000);
    looks.unseen = whole_number(node, "unseen", looks.unseen, 0, 10000);
    looks.organ_subsets = node.double_or("organ_subsets", looks.organ_subsets);
  } else {
    config.looks.presets = {"auto"};
  }
  if (yaml.has("views")) {
    const ConfigNode node = yaml.at("views");
    node.check_keys(
        {"train", "test", "close_ups", "zoom", "size", "samples", "test_samples", "denoise", "maps"});
    ViewWish& views = config.views;
    views.count = read_counts(node, views.count);
    views.close_ups = node.double_or("close_ups", views.close_ups);
    views.zoom = node.double_or("zoom", views.zoom);
    if (node.has("size")) {
      const auto [width, height] = read_size(node.at("size"));
      views.width = width;
      views.height = height;
    }
    views.samples = whole_number(node, "samples", views.samples, 1, 1 << 20);
    views.test_samples = whole_number(node, "test_samples", views.test_samples, 1, 1 << 20);
    if (node.has("denoise")) views.denoise = node.at("denoise").as_string();
    views.maps = node.bool_or("maps", views.maps);
  }
  for (const ConfigNode& scan : yaml.at("scans").items()) {
    config.scans.push_back(read_scan(scan, config, scans_folder));
  }
  config.light = yaml.string_or("light", config.light);
  config.exposure = yaml.double_or("exposure", config.exposure);
  config.points = whole_number(yaml, "points", config.points, 1, 100000000);
  return config;
}

void check_prepare_config(const PrepareConfig& config) {
  constexpr int kMaxSide = 16384;
  if (config.scans.empty()) fail_input("there are no scans to prepare; name CT files, or give --phantom N");
  if (config.looks.presets.empty() && config.looks.random == 0 && config.looks.unseen == 0) {
    fail_input("looks: no transfer function is wanted; name presets, or set random to 1 or more");
  }
  if (config.looks.organs.empty())
    fail_input("looks.organs names nothing to show; leave it out for all organs");
  in_range("validation_share", config.validation_share, 0, 1);
  in_range("test_share", config.test_share, 0, 1 - config.validation_share);
  in_range("label_dropout", config.label_dropout, 0, 1);
  in_range("looks.organ_subsets", config.looks.organ_subsets, 0, 1);
  in_range("exposure", config.exposure, 1e-3, 1e3);
  in_range("the pictures' width", config.views.width, 1, kMaxSide);
  in_range("the pictures' height", config.views.height, 1, kMaxSide);
  in_range("views.train", config.views.count.train, 0, 100000);
  in_range("views.test", config.views.count.test, 0, 100000);
  in_range("views.close_ups", config.views.close_ups, 0, 1);
  in_range("views.zoom", config.views.zoom, 1, kMaxZoom);
  in_range("views.samples", config.views.samples, 1, 1 << 20);
  in_range("views.test_samples", config.views.test_samples, 1, 1 << 20);
  if (config.views.denoise != "auto" && config.views.denoise != "on" && config.views.denoise != "off") {
    fail_input("views.denoise is '{}'; it must be auto, on or off", config.views.denoise);
  }
  for (const ScanEntry& entry : config.scans) check_scenes(entry.scenes.value_or(config.scenes));
}

std::string to_yaml(const PrepareConfig& config) {
  std::string text = fmt::format("seed: {}\nscans:\n", config.seed);
  for (const ScanEntry& entry : config.scans) text += scan_to_yaml(entry);
  const ViewWish& views = config.views;
  text += fmt::format("validation_share: {}\ntest_share: {}\nlabel_dropout: {}\n", config.validation_share,
                      config.test_share, config.label_dropout);
  text += "scenes:\n" + scenes_to_yaml(config.scenes, "  ");
  text +=
      fmt::format("looks:\n  presets: {}\n  organs: {}\n  random: {}\n  unseen: {}\n  organ_subsets: {}\n",
                  quoted(config.looks.presets), quoted(config.looks.organs), config.looks.random,
                  config.looks.unseen, config.looks.organ_subsets);
  text += fmt::format(
      "views:\n  train: {}\n  test: {}\n  close_ups: {}\n  zoom: {}\n  size: [{}, {}]\n  samples: {}\n  "
      "test_samples: {}\n  denoise: {}\n"
      "  maps: {}\n",
      views.count.train, views.count.test, views.close_ups, views.zoom, views.width, views.height,
      views.samples, views.test_samples, quoted(views.denoise), views.maps);
  return text + fmt::format("light: {}\nexposure: {}\npoints: {}\n", quoted(config.light), config.exposure,
                            config.points);
}

std::vector<ScanSource> list_scans(const PrepareConfig& config) {
  std::vector<ScanSource> all;
  std::map<std::string, int> uses;
  for (const ScanEntry& entry : config.scans) {
    std::map<std::string, int> taken;
    for (ScanSource& scan : scans_of(entry)) {
      if (const int use = ++uses[scan.id]; use > 1) {
        if (entry.kind != ScanEntry::Kind::kFile) {
          fail_input("two scans are called {}; name every data set and phantom once", scan.id);
        }
        scan.id += fmt::format("_{}", use);
        ++uses[scan.id];
      }
      if (!entry.split.empty()) scan.split = entry.split;
      if (scan.split.empty()) scan.split = drawn_split(config, scan.id);
      const auto& keep = entry.keep_splits;
      if (!keep.empty() && std::find(keep.begin(), keep.end(), scan.split) == keep.end()) continue;
      if (entry.limit > 0 && taken[scan.split]++ >= entry.limit) continue;
      scan.scenes = entry.scenes.value_or(config.scenes);
      scan.views = entry.views.value_or(config.views.count);
      scan.estimate_labels =
          scan.split == "train" && drawn(config, scan.id, 0x6C6162656C) < config.label_dropout;
      all.push_back(std::move(scan));
    }
  }
  if (all.empty()) fail_input("no scan is left of those named; check splits and limit");
  return all;
}

}  // namespace renderfm::data
