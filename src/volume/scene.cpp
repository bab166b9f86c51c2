#include "renderfm/volume/scene.h"

#include <charconv>
#include <cmath>

#include "renderfm/core/check.h"
#include "renderfm/core/log.h"
#include "renderfm/volume/labels.h"
#include "renderfm/volume/tissue_estimator.h"

namespace renderfm {
namespace {

constexpr double kMinSpacing_mm = 0.1, kMaxSpacing_mm = 20;
constexpr std::int64_t kMaxVoxels = std::int64_t{1}
                                    << 30;  // 12 GiB of working memory; far beyond any body at 0.5 mm

std::string shape_and_spacing(const Geometry& grid) {
  return fmt::format("{} x {} x {} voxels of {:.3g} x {:.3g} x {:.3g} mm", grid.width(), grid.height(),
                     grid.depth(), grid.spacing_zyx_mm[2], grid.spacing_zyx_mm[1], grid.spacing_zyx_mm[0]);
}

}  // namespace

TargetSpacing parse_spacing(const std::string& text) {
  if (text == "auto") return {};
  if (text == "native") return {TargetSpacing::Kind::kNative};
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() ||
      !(value >= kMinSpacing_mm && value <= kMaxSpacing_mm)) {
    fail_input("--spacing {} is not understood; give a length between {} and {} mm, native or auto", text,
               kMinSpacing_mm, kMaxSpacing_mm);
  }
  return {TargetSpacing::Kind::kMillimetres, value};
}

Scene load_scene(const SceneOptions& options) {
  Scene scene;
  const CtVolume scan = read_ct(options.ct, options.read, scene.report);
  const Geometry grid = network_grid(scan.geometry, options.spacing);
  if (grid.voxel_count() > kMaxVoxels) {
    fail_input("{} at this spacing has {}; at most {} million fit, choose a larger --spacing",
               options.ct.string(), shape_and_spacing(grid), kMaxVoxels / 1000000);
  }
  log_info("scan: {}", shape_and_spacing(scan.geometry));
  if (!same_grid(scan.geometry, grid, 0.01 * grid.min_spacing_mm()))
    log_info("grid: {}", shape_and_spacing(grid));
  scene.report.add_fact("scan", shape_and_spacing(scan.geometry));
  scene.report.add_fact("grid", shape_and_spacing(grid));

  LabelVolume given;
  if (!options.labels.empty()) {
    ScanReport label_report;
    const LabelVolume read = options.label_names.empty()
                                 ? read_labels(options.labels, scan, options.label_version, label_report)
                                 : read_named_labels(options.labels, scan, options.label_names, label_report);
    given = resample_labels(read, grid);
    scene.report.append(label_report, "labels: ");
  }
  scene.ct = resample_ct(scan, grid);
  const LabelVolume tissues = estimate_tissues(scene.ct);
  if (options.labels.empty()) {
    log_info("labels: none given, tissues are estimated from the CT");
    scene.report.add_fact("labels", "estimated tissues");
    scene.labels = tissues;
  } else {
    scene.labels = complete_labels(given, tissues);
    log_info("labels: {} organs; what they leave open is estimated from the CT", given.names.size());
    scene.report.add_fact("labels",
                          fmt::format("{} organs, completed by estimated tissues", given.names.size()));
  }
  return scene;
}

TransferFunction fitting_transfer_function(const Scene& scene) {
  const std::string preset = choose_preset(scene.ct, scene.labels);
  log_info("transfer function: {} (chosen for this scan; --tf takes another)", preset);
  return load_transfer_function(preset);
}

}  // namespace renderfm
