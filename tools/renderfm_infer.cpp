// renderfm-infer: a CT becomes 6D Gaussians.

#include <fmt/core.h>

#include <chrono>
#include <filesystem>

#include "common/cli_main.h"
#include "common/gaussian_sets.h"
#include "common/scan_options.h"
#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/core/log.h"
#include "renderfm/gaussian/gaussian_file.h"
#include "renderfm/model/export_target.h"
#include "renderfm/viewer/html_page.h"

namespace {

using namespace renderfm;
namespace fs = std::filesystem;

struct Options {
  std::string ct, out, report, ply_flavor = "renderfm", target;
  bool list_series = false;
  tools::ScanOptions scan;
};

// A line per series: number, columns x rows x slices, modality, description, UID; separated by tabs.
void print_series(const std::string& ct) {
  int number = 1;
  for (const SeriesInfo& series : list_series(ct)) {
    fmt::print("{}\t{} x {} x {}, {:.3g} mm apart\t{}\t{}\t{}{}\n", number++, series.columns, series.rows,
               series.slices, series.spacing_mm, series.modality, series.description, series.uid,
               series.usable ? "" : fmt::format("\tnot usable: {}", series.why_not));
  }
}

bool is_page(const fs::path& out) { return out.extension() == ".html"; }

void check_output(const fs::path& out) {
  if (!is_page(out)) required_gaussian_format(out);
  check_writable(out);
}

/// All transfer functions on one page. Returns how many Gaussians it holds.
std::int64_t write_page(std::vector<GaussianSet> sets, const Options& options) {
  std::int64_t count = 0;
  for (GaussianSet& set : sets) {
    if (!options.target.empty()) {
      set = reduce_to_target(set, export_target(options.target), "page.ply", PlyFlavor::kRenderfm);
    }
    count += set.size();
  }
  write_html(sets, options.out);
  return count;
}

/// Returns how many were written: fewer than there are where a target allows no more.
std::int64_t write(const GaussianSet& gaussians, const fs::path& out, const Options& options) {
  GaussianFileOptions file{options.ply_flavor == "inria" ? PlyFlavor::kInria : PlyFlavor::kRenderfm};
  if (options.target.empty()) {
    write_gaussians(gaussians, out, file);
    return gaussians.size();
  }
  const ExportTarget& target = export_target(options.target);
  file.sh_degree = target.sh_degree;
  const GaussianSet kept = reduce_to_target(gaussians, target, out, file.ply_flavor);
  if (kept.size() < gaussians.size()) {
    log_info("--target {}: the {} of {} Gaussians that contribute most are kept", target.name, kept.size(),
             gaussians.size());
  }
  write_gaussians(kept, out, file);
  return kept.size();
}

/// out.ply -> out.bone.ply, where several transfer functions were asked for.
fs::path output_name(const fs::path& out, const std::string& tf, bool several) {
  return several ? fs::path(out).replace_extension(tf + out.extension().string()) : out;
}

using Clock = std::chrono::steady_clock;

void say(const fs::path& out, std::int64_t count, Clock::time_point start, const std::string& what) {
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  fmt::print("{}: {} Gaussians, {:.1f} MB, {:.1f} s, {}\n", out.string(), count,
             static_cast<double>(fs::file_size(out)) / 1e6, seconds, what);
}

/// Gaussians into another format, or onto a page.
void convert(const Options& options, Clock::time_point start) {
  if (!options.report.empty()) fail_usage("--report is about reading a scan; {} holds Gaussians", options.ct);
  std::vector<GaussianSet> sets = tools::load_gaussians(options.ct, options.scan);
  const std::string from = "from " + fs::path(options.ct).filename().string();
  if (is_page(options.out)) {
    const std::int64_t count = write_page(std::move(sets), options);
    return say(options.out, count, start, from + "; open it in a browser");
  }
  say(options.out, write(sets.front(), options.out, options), start, from);
}

void infer(Options& options) {
  if (options.list_series) return print_series(options.ct);
  if (options.out.empty()) fail_usage("OUT is missing; see renderfm-infer --help");
  check_output(options.out);
  if (!options.report.empty()) check_writable(options.report);

  const Clock::time_point start = Clock::now();
  if (tools::is_gaussian_file(options.ct)) return convert(options, start);
  const tools::TransferFunctionChoice choice(options.scan);
  const auto network = tools::load_network(options.scan);
  Scene scene = tools::load_scene(options.ct, options.scan, network.get());
  const auto functions = choice.resolve(scene);
  const bool page = is_page(options.out);
  std::vector<GaussianSet> page_sets;
  for (const TransferFunction& tf : functions) {
    const Prediction prediction = tools::predict(scene, tf, options.scan, network.get());
    const fs::path out = output_name(options.out, tf.name, functions.size() > 1 && !page);
    const std::string what =
        fmt::format("transfer function {}, model {}", tf.name, prediction.gaussians.model);
    std::int64_t written = prediction.gaussians.size();
    if (page) {
      page_sets.push_back(prediction.gaussians);
    } else {
      written = write(prediction.gaussians, out, options);
      say(out, written, start, what);
    }
    scene.report.add_fact(
        "output " + out.filename().string(),
        fmt::format("{} Gaussians of {} foreground voxels, {}", written, prediction.foreground_voxels, what));
  }
  if (page) {
    const std::int64_t count = write_page(std::move(page_sets), options);
    say(options.out, count, start,
        fmt::format("transfer functions: {}; open it in a browser", functions.size()));
  }
  if (!options.report.empty()) {
    AtomicFile report(options.report);
    report.write(scene.report.to_json());
    report.commit();
  }
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  const tools::Program program{
      "renderfm-infer", "Turns a CT into 6D Gaussians that every splat viewer opens.",
      "  renderfm-infer ct.nii.gz out.ply\n"
      "  renderfm-infer ct.nii.gz out.ply --labels segmentation.nii.gz --tf bone-and-vessels\n"
      "  renderfm-infer ct.nii.gz out.spz --target web\n"
      "  renderfm-infer out.ply out.glb\n"
      "  renderfm-infer ct.nii.gz out.html --tf organs --tf bone\n"
      "  renderfm-infer dicom_folder --list-series\n"
      "  renderfm-infer dicom.zip out.ply --series 1 --organs skeleton,vessels --report report.json"};
  return tools::run_tool(argc, argv, program, [&](CLI::App& app, const tools::CommonOptions&) {
    app.add_option("CT", options.ct,
                   "NIfTI, NRRD or MetaImage file, DICOM folder or zip; or Gaussians, to convert")
        ->required();
    app.add_option(
        "OUT", options.out,
        "Gaussians to write: .ply (everything), .glb (glTF, everything), .spz or .splat (small; what depends "
        "on the direction is baked as seen along each one's mean direction); or .html, an interactive page");
    app.add_flag("--list-series", options.list_series, "List the series of a DICOM folder or zip and stop");
    app.add_option("--report", options.report, "Write what was read and repaired as JSON");
    app.add_option("--ply-flavor", options.ply_flavor,
                   "renderfm (6D), or inria: plain 3DGS for strict importers")
        ->check(CLI::IsMember({"renderfm", "inria"}).description(""));
    app.add_option(
           "--target", options.target,
           "Keep what fits: desktop (4 M Gaussians, 1 GB), web (500 k, 25 MB), mobile (300 k, 12 MB, plain "
           "colours) or quest (400 k, 70 MB)")
        ->default_str("")
        ->check(CLI::IsMember({"desktop", "web", "mobile", "quest"}).description(""));
    tools::add_scan_options(app, options.scan);
    const CLI::Option* const most = app.get_option("--max-gaussians");
    return [&, most] {
      if (is_page(options.out) && most->count() == 0) options.scan.max_gaussians = kPageGaussians;
      infer(options);
    };
  });
}
