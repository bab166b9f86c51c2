// renderfm-render: pictures of Gaussians, or of a CT by way of them or by path tracing.

#include <fmt/core.h>

#include <algorithm>

#include "common/cli_main.h"
#include "common/gaussian_sets.h"
#include "common/path_tracing.h"
#include "common/pictures.h"
#include "common/scan_options.h"
#include "common/state_options.h"
#include "renderfm/core/check.h"
#include "renderfm/core/progress.h"
#include "renderfm/gaussian/file_report.h"
#include "renderfm/model/gaussian_view.h"
#include "renderfm/raster/rasterize.h"

namespace {

using namespace renderfm;

struct Options {
  std::string in, out;
  bool check = false, json = false;
  tools::PictureOptions pictures;
  tools::ScanOptions scan;
  tools::PathTracingOptions path_tracing;
  tools::StateOptions state;
};

/// A set as it is drawn: organs hidden and faded, with what cuts it and the sphere that orbits lie on.
struct Scenery {
  GaussianSet set;
  raster::ClipRegion clip;
  ViewSphere sphere;
};

/// One per transfer function; the one that the state names, if it names one of several.
std::vector<Scenery> load_scenery(const Options& options, const ViewState& state) {
  const std::vector<GaussianSet> sets = tools::load_gaussians(options.in, options.scan);
  const bool choose = std::any_of(sets.begin(), sets.end(), [&](const GaussianSet& set) {
    return set.transfer_function == state.transfer_function;
  });
  std::vector<Scenery> sceneries;
  for (const GaussianSet& set : sets) {
    if (choose && sets.size() > 1 && set.transfer_function != state.transfer_function) continue;
    const ViewSphere sphere = view_sphere(set);
    const GaussianSet visible = apply_organ_state(set, state);
    sceneries.push_back({visible, state_clip(visible, sphere.centre_mm, state), state_sphere(sphere, state)});
  }
  return sceneries;
}

torch::Tensor draw(const Scenery& scenery, const Camera& camera) {
  raster::RasterOptions options;
  options.clip = scenery.clip;
  return raster::rasterize(scenery.set, {camera}, options).rgb[0].clamp(0, 1);
}

/// Prints what the file holds; a file with problems is bad input.
void check_file(const Options& options) {
  const FileReport report = inspect_gaussian_file(options.in);
  fmt::print("{}", options.json ? to_json(report) : to_text(report));
  if (!report.problems.empty()) fail_input("{}: {}", options.in, report.problems.front());
}

void render(const Options& options, const ViewState& state, std::uint64_t seed) {
  if (options.check) return check_file(options);
  if (options.out.empty()) fail_usage("OUT is missing; see renderfm-render --help");
  if (options.path_tracing.enabled) {
    return tools::path_trace_pictures(options.in, options.out, options.scan, options.pictures,
                                      options.path_tracing, seed);
  }
  const tools::Pictures pictures(options.pictures, options.out);
  if (!tools::is_gaussian_file(options.in)) {
    pictures.view_count(
        tools::TransferFunctionChoice(options.scan).size());  // refuses before long work starts
  }
  const std::vector<Scenery> sceneries = load_scenery(options, state);
  Progress progress("drawing", pictures.view_count(sceneries.size()));
  pictures.draw(sceneries.size(), [&](std::size_t n) {
    return tools::Subject{sceneries[n].set.transfer_function, sceneries[n].sphere, [&, n](const auto& view) {
                            progress.advance();
                            return draw(sceneries[n], view.camera);
                          }};
  });
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  const tools::Program program{
      "renderfm-render", "Draws Gaussians, or a CT by way of them or by path tracing.",
      "  renderfm-render out.ply picture.png --azimuth 30 --elevation 10 --size 1024x1024\n"
      "  renderfm-render out.ply sides.png --four-sides --organs skeleton,aorta\n"
      "  renderfm-render out.ply turntable --orbit 72\n"
      "  renderfm-render out.ply turntable.mp4 --orbit 72\n"
      "  renderfm-render out.ply cut.png --clip 0,1,0,0 --clip-exempt skeleton --organ-opacity liver=0.3\n"
      "  renderfm-render out.ply picture.png --state 'az=30&el=10&zoom=2&hide=skin'\n"
      "  renderfm-render ct.nii.gz presets.png --tf all\n"
      "  renderfm-render out.ply views --cameras transforms.json\n"
      "  renderfm-render --check out.spz\n"
      "  renderfm-render ct.nii.gz reference.png --path-trace --labels labels.nii.gz --tf bone"};
  return tools::run_tool(argc, argv, program, [&](CLI::App& app, const tools::CommonOptions& common) {
    app.add_option("IN", options.in, "Gaussians (.ply .glb .spz .splat), or a CT as renderfm-infer takes it")
        ->required();
    app.add_option(
        "OUT", options.out,
        "Picture to write (.png); for --orbit and --cameras a folder, or a film (.mp4) where ffmpeg is");
    auto* const check =
        app.add_flag("--check", options.check,
                     "Say what a file of Gaussians holds and what is wrong with it; draw nothing");
    app.add_flag("--json", options.json, "Print --check as JSON")->needs(check);
    tools::add_picture_options(app, options.pictures);
    tools::add_scan_options(app, options.scan);
    tools::add_path_tracing_options(app, options.path_tracing);
    tools::add_state_options(app, options.state);
    for (const char* name : {"--clip", "--clip-box", "--clip-exempt", "--organ-opacity", "--state"}) {
      app.get_option(name)->excludes("--path-trace");  // which traces the scan as it is
    }
    return [&] {
      const ViewState state = tools::resolve_state(options.state);
      if (app.count("--azimuth") == 0) options.pictures.azimuth_deg = state.azimuth_deg;
      if (app.count("--elevation") == 0) options.pictures.elevation_deg = state.elevation_deg;
      render(options, state, common.seed);
    };
  });
}
