// renderfm-render: pictures of Gaussians, or of a CT by way of them or by path tracing.

#include <fmt/core.h>

#include <memory>

#include "common/cli_main.h"
#include "common/path_tracing.h"
#include "common/pictures.h"
#include "common/scan_options.h"
#include "renderfm/core/check.h"
#include "renderfm/core/progress.h"
#include "renderfm/gaussian/file_report.h"
#include "renderfm/gaussian/gaussian_file.h"
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
};

/// One set per transfer function; a file of Gaussians has the one it was made with.
std::vector<GaussianSet> load_gaussians(const Options& options, const tools::Pictures& pictures) {
  if (tools::is_gaussian_file(options.in)) {
    return {select_organs(read_gaussians(options.in), options.scan.organs)};
  }
  const tools::TransferFunctionChoice choice(options.scan);
  pictures.view_count(choice.size());
  const auto network = tools::load_network(options.scan);
  const Scene scene = tools::load_scene(options.in, options.scan, network.get());
  std::vector<GaussianSet> sets;
  for (const TransferFunction& tf : choice.resolve(scene)) {
    sets.push_back(tools::predict(scene, tf, options.scan, network.get()).gaussians);
  }
  return sets;
}

/// Prints what the file holds; a file with problems is bad input.
void check_file(const Options& options) {
  const FileReport report = inspect_gaussian_file(options.in);
  fmt::print("{}", options.json ? to_json(report) : to_text(report));
  if (!report.problems.empty()) fail_input("{}: {}", options.in, report.problems.front());
}

void render(const Options& options, std::uint64_t seed) {
  if (options.check) return check_file(options);
  if (options.out.empty()) fail_usage("OUT is missing; see renderfm-render --help");
  if (options.path_tracing.enabled) {
    return tools::path_trace_pictures(options.in, options.out, options.scan, options.pictures,
                                      options.path_tracing, seed);
  }
  const tools::Pictures pictures(options.pictures, options.out);
  const std::vector<GaussianSet> sets = load_gaussians(options, pictures);
  Progress progress("drawing", pictures.view_count(sets.size()));
  pictures.draw(sets.size(), [&](std::size_t n) {
    return tools::Subject{sets[n].transfer_function, view_sphere(sets[n]), [&, n](const auto& view) {
                            progress.advance();
                            return raster::rasterize(sets[n], {view.camera}).rgb[0].clamp(0, 1);
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
      "  renderfm-render ct.nii.gz presets.png --tf all\n"
      "  renderfm-render out.ply views --cameras transforms.json\n"
      "  renderfm-render --check out.spz\n"
      "  renderfm-render ct.nii.gz reference.png --path-trace --labels labels.nii.gz --tf bone"};
  return tools::run_tool(argc, argv, program, [&](CLI::App& app, const tools::CommonOptions& common) {
    app.add_option("IN", options.in, "Gaussians (.ply .glb .spz .splat), or a CT as renderfm-infer takes it")
        ->required();
    app.add_option("OUT", options.out, "Picture to write (.png); a folder for --orbit and --cameras");
    auto* const check =
        app.add_flag("--check", options.check,
                     "Say what a file of Gaussians holds and what is wrong with it; draw nothing");
    app.add_flag("--json", options.json, "Print --check as JSON")->needs(check);
    tools::add_picture_options(app, options.pictures);
    tools::add_scan_options(app, options.scan);
    tools::add_path_tracing_options(app, options.path_tracing);
    return [&] { render(options, common.seed); };
  });
}
