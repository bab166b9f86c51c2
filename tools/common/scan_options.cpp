#include "common/scan_options.h"

#include <algorithm>

#include "common/model_choice.h"
#include "renderfm/core/check.h"
#include "renderfm/core/log.h"
#include "renderfm/gaussian/file_format.h"

namespace renderfm::tools {
namespace {

std::string preset_names() {
  std::string names;
  for (const PresetInfo& preset : preset_list()) names += (names.empty() ? "" : ", ") + preset.name;
  return names;
}

}  // namespace

void add_scan_options(CLI::App& app, ScanOptions& options) {
  const std::string look = "What to show", reading = "Reading the scan", model = "Model";
  app.add_option(
         "--labels", options.labels,
         "Organ labels: a TotalSegmentator file or a folder of masks; without it tissues are estimated")
      ->group(look);
  app.add_option("--label-version", options.label_version,
                 "TotalSegmentator numbering of labels without names: v1 or v2")
      ->check(CLI::IsMember({"v1", "v2"}).description(""))
      ->group(look);
  app.add_option("--tf", options.tf,
                 "Transfer function: auto, all, a file (our YAML, Slicer .vp or .vp.json, ParaView JSON), or "
                 "one of " +
                     preset_names())
      ->group(look);
  app.add_option("--tf-range", options.tf_range,
                 "HU range of transfer functions that run from 0 to 1: LOW,HIGH")
      ->delimiter(',')
      ->expected(2)
      ->group(look);
  app.add_option(
         "--organs", options.organs,
         "Organs and groups to show, comma separated; -NAME leaves one out (skeleton, vessels, liver, ...)")
      ->delimiter(',')
      ->group(look);
  app.add_option("--spacing", options.spacing,
                 "Voxel size in mm, native, or auto: that of the scan, but not finer than 1.5 mm or what the "
                 "model was trained for")
      ->group(look);
  app.add_option("--max-gaussians", options.max_gaussians,
                 "Upper limit; the most hidden voxels are left out first")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 31).description(""))
      ->group(look);
  app.add_option("--series", options.series, "DICOM series to read: its number in --list-series or its UID")
      ->group(reading);
  app.add_option("--timepoint", options.time_point,
                 "Time point of a 4D scan, counted from 0; the first by default")
      ->default_str("")
      ->group(reading);
  app.add_flag("--allow-gaps", options.allow_gaps, "Accept missing slices and interpolate them")
      ->group(reading);
  app.add_flag("--force", options.force, "Accept DICOM that does not say it is CT")->group(reading);
  add_model_option(app, options.model)->group(model);
  app.add_option("--device", options.device, "Where the network and path tracing run: auto, cpu or cuda")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}).description(""))
      ->group(model);
}

std::vector<std::string> scan_arguments(const ScanOptions& options) {
  std::vector<std::string> arguments{"--spacing",       options.spacing,
                                     "--max-gaussians", std::to_string(options.max_gaussians),
                                     "--device",        options.device};
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) arguments.insert(arguments.end(), {name, value});
  };
  std::string organs;
  for (const std::string& organ : options.organs) organs += (organs.empty() ? "" : ",") + organ;
  add("--organs", organs);
  add("--model", options.model);
  add("--label-version", options.label_version);
  add("--series", options.series);
  if (options.time_point >= 0) add("--timepoint", std::to_string(options.time_point));
  if (options.allow_gaps) arguments.emplace_back("--allow-gaps");
  if (options.force) arguments.emplace_back("--force");
  return arguments;
}

Scene load_scene(const std::string& ct, const ScanOptions& options, const Network* network) {
  SceneOptions scene;
  scene.ct = ct;
  scene.labels = options.labels;
  scene.label_version = options.label_version;
  scene.spacing = parse_spacing(options.spacing);
  if (network != nullptr) scene.spacing.finest_automatic_mm = network->plan().spacing_mm;
  scene.read = {options.series, options.time_point, options.allow_gaps, options.force};
  return renderfm::load_scene(scene);
}

TransferFunctionChoice::TransferFunctionChoice(const ScanOptions& options) {
  std::optional<std::pair<double, double>> range_hu;
  if (!options.tf_range.empty()) {
    range_hu = {options.tf_range[0], options.tf_range[1]};
    if (!(range_hu->first < range_hu->second)) {
      fail_input("--tf-range {},{} is empty; give the lower HU first", range_hu->first, range_hu->second);
    }
  }
  for (const std::string& name : options.tf) {
    if (name == "auto") {
      functions_.emplace_back();
    } else if (name == "all") {
      for (const PresetInfo& preset : preset_list())
        functions_.push_back(load_transfer_function(preset.name));
    } else {
      functions_.push_back(load_transfer_function(name, range_hu));
    }
  }
}

std::vector<TransferFunction> TransferFunctionChoice::resolve(const Scene& scene) const {
  std::vector<TransferFunction> resolved;
  for (const auto& function : functions_) {
    resolved.push_back(function ? *function : fitting_transfer_function(scene));
  }
  return resolved;
}

std::unique_ptr<Network> load_network(const ScanOptions& options) {
  return choose_network(options.model, options.device);
}

Prediction predict(const Scene& scene, const TransferFunction& tf, const ScanOptions& options,
                   const Network* network) {
  Prediction prediction = renderfm::predict(scene, tf, {options.organs, options.max_gaussians}, network);
  if (prediction.pruned > 0) {
    log_info(
        "{} of {} foreground voxels become Gaussians (--max-gaussians {}): the {} most hidden are left out",
        prediction.gaussians.size(), prediction.foreground_voxels, options.max_gaussians, prediction.pruned);
    // Below this a picture of the rest is the same to the eye (52 dB at 0.07 on the default phantom, 1 M
    // of 2.4 M kept).
    constexpr double kVisibleExposure = 0.25;
    if (prediction.least_exposure_kept > kVisibleExposure) {
      log_warning(
          "voxels that are seen by up to {:.0f} % of the light had to go; a larger --spacing or "
          "--max-gaussians keeps surfaces closed",
          100 * prediction.least_exposure_kept);
    }
  } else {
    log_info("{} Gaussians, one for every foreground voxel", prediction.gaussians.size());
  }
  return prediction;
}

bool is_gaussian_file(const std::filesystem::path& path) { return gaussian_format(path).has_value(); }

}  // namespace renderfm::tools
