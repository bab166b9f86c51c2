// renderfm-finetune: the Gaussians of one scan, refined against pictures of it.

#include <fmt/core.h>

#include <filesystem>

#include "common/cli_main.h"
#include "common/scan_options.h"
#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/gaussian/gaussian_file.h"
#include "renderfm/gaussian/ply.h"
#include "renderfm/model/gaussian_view.h"
#include "renderfm/train/finetune.h"

namespace {

using namespace renderfm;
namespace fs = std::filesystem;

struct Options {
  std::string in, out, views, curve;
  bool densify = false, restart = false, overwrite = false;
  FinetuneOptions tune;
  tools::ScanOptions scan;
};

GaussianSet load_start(const Options& options) {
  if (tools::is_gaussian_file(options.in))
    return select_organs(read_gaussians(options.in), options.scan.organs);
  const tools::TransferFunctionChoice choice(options.scan);
  const auto network = tools::load_network(options.scan);
  const Scene scene = tools::load_scene(options.in, options.scan, network.get());
  const auto functions = choice.resolve(scene);
  if (functions.size() != 1) fail_usage("fine-tuning is for one transfer function; give a single --tf");
  return tools::predict(scene, functions.front(), options.scan, network.get()).gaussians;
}

void write_curve(const FinetuneResult& result, const fs::path& path) {
  AtomicFile file(path);
  file.write("step,seconds,held_out_psnr_db,gaussians\n");
  for (const FinetunePoint& point : result.curve) {
    file.write(fmt::format("{},{:.3f},{:.4f},{}\n", point.step, point.seconds, point.held_out_psnr_db,
                           point.gaussians));
  }
  file.commit();
}

void run(Options options) {
  const fs::path out = options.out;
  if (out.extension() != ".ply") fail_input("cannot write {}: Gaussians are written as .ply", out.string());
  if (fs::exists(out) && !options.overwrite) {
    fail_input("{} exists already; name another or add --overwrite", out.string());
  }
  check_writable(out);
  if (!options.curve.empty()) check_writable(options.curve);
  options.tune.state_file = out.string() + ".run";
  if (options.restart) fs::remove(options.tune.state_file);

  const ViewSplit views = read_view_split(options.views);
  const GaussianSet start = load_start(options);
  if (options.densify) {
    options.tune.densify = scaled_to(DensifyOptions{.lower_opacity_every = 0}, options.tune.steps);
    options.tune.densify->max_gaussians = options.scan.max_gaussians;
  }
  FinetuneResult result = finetune(start, views, options.tune);
  if (result.made_progress)
    result.gaussians.model += result.gaussians.model.empty() ? "fine-tuned" : ", fine-tuned";
  write_ply(result.gaussians, out);
  if (!options.curve.empty()) write_curve(result, options.curve);
  fs::remove(options.tune.state_file);
  fmt::print(
      "{}: {} Gaussians, {} views learnt from, {} held out{}: {:.2f} dB before, {:.2f} dB after {} steps, "
      "{:.1f} s{}\n",
      out.string(), result.gaussians.size(), views.train.size(), views.held_out.size(),
      views.test_views_given ? "" : " (split off)", result.psnr_before_db, result.psnr_after_db, result.steps,
      result.seconds, result.made_progress ? "" : ", no progress: the start is returned");
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  const tools::Program program{
      "renderfm-finetune", "Refines the Gaussians of one scan against pictures of it.",
      "  renderfm-finetune out.ply refined.ply --views case_folder\n"
      "  renderfm-finetune ct.nii.gz refined.ply --labels segmentation.nii.gz --tf organs --views views\n"
      "  renderfm-finetune out.ply refined.ply --views transforms.json --minutes 1.5\n"
      "A run that was cut short is taken up again by the same command: OUT.run holds it until OUT is there."};
  return tools::run_tool(argc, argv, program, [&](CLI::App& app, const tools::CommonOptions& common) {
    const std::string tuning = "Fine-tuning";
    app.add_option("IN", options.in, "Gaussians (.ply .glb .spz .splat), or a CT as renderfm-infer takes it")
        ->required();
    app.add_option("OUT", options.out, "Gaussians to write, .ply")->required();
    app.add_option(
           "--views", options.views,
           "Folder with transforms_train.json (and transforms_test.json) or transforms.json in the NeRF "
           "convention, or such a file; one of our cases is such a folder")
        ->required()
        ->group(tuning);
    app.add_option("--steps", options.tune.steps, "Steps of one view each")
        ->check(CLI::Range(1, 10000000).description(""))
        ->group(tuning);
    app.add_option("--minutes", options.tune.minutes, "Stop after this time; 0 for no limit")
        ->check(CLI::Range(0.0, 1e6).description(""))
        ->group(tuning);
    app.add_option("--patience", options.tune.patience,
                   "Evaluations (20 in a run) without better held-out views before stopping; 0 for never")
        ->check(CLI::Range(0, 1000000).description(""))
        ->group(tuning);
    app.add_flag("--densify", options.densify, "Clone, split and prune Gaussians, up to --max-gaussians")
        ->group(tuning);
    app.add_option("--save-every", options.tune.save_every_s, "Seconds between two states on disk")
        ->check(CLI::Range(0.0, 1e6).description(""))
        ->group(tuning);
    app.add_option("--curve", options.curve, "Write steps, seconds and held-out PSNR as CSV")->group(tuning);
    app.add_flag("--restart", options.restart, "Start anew where a run was cut short")->group(tuning);
    app.add_flag("--overwrite", options.overwrite, "Replace OUT")->group(tuning);
    tools::add_scan_options(app, options.scan);
    return [&] {
      options.tune.seed = common.seed;
      run(options);
    };
  });
}
