// renderfm-finetune: the Gaussians of one scan, refined against pictures of it.

#include <fmt/core.h>

#include <filesystem>

#include "common/cli_main.h"
#include "common/scan_options.h"
#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/data/path_traced_views.h"
#include "renderfm/gaussian/gaussian_file.h"
#include "renderfm/gaussian/ply.h"
#include "renderfm/model/gaussian_view.h"
#include "renderfm/model/scene_medium.h"
#include "renderfm/train/finetune.h"
#include "renderfm/train/traced_views.h"

namespace {

using namespace renderfm;
namespace fs = std::filesystem;

struct Options {
  std::string in, out, views, ct, keep_views, light = "uniform", curve, densify, best;
  TracedViewsOptions trace{.train = 0};
  int size = 256;
  bool restart = false, overwrite = false;
  FinetuneOptions tune;
  tools::ScanOptions scan;
};

/// What the scan is shown as; the network may be null.
struct Subject {
  Scene scene;
  TransferFunction tf;
};

Subject load_subject(const std::string& ct, const Options& options, const Network* network) {
  const tools::TransferFunctionChoice choice(options.scan);
  Subject subject{tools::load_scene(ct, options.scan, network), {}};
  const auto functions = choice.resolve(subject.scene);
  if (functions.size() != 1) fail_usage("fine-tuning is for one transfer function; give a single --tf");
  subject.tf = functions.front();
  return subject;
}

struct Inputs {
  GaussianSet start;
  ViewSplit views;
};

ViewSplit trace(const Subject& subject, const Options& options, const fs::path& folder) {
  data::PrepareConfig config;
  config.light = options.light;
  const data::Renderer renderer = data::path_traced_views(config, options.scan.device);
  const SceneMedium shown = make_scene_medium(subject.scene, subject.tf, options.scan.organs);
  return trace_views(shown.medium, shown.sphere, renderer, options.trace, folder);
}

Inputs load_inputs(const Options& options, const fs::path& traced) {
  const bool given = tools::is_gaussian_file(options.in);
  const bool traces = options.trace.train > 0;
  if (given && traces && options.ct.empty()) {
    fail_usage("--path-trace needs the scan that {} was made from; name it by --ct", options.in);
  }
  if (!given && !options.ct.empty()) fail_usage("--ct is for Gaussians; {} is a scan itself", options.in);
  Inputs inputs;
  if (!traces) inputs.views = read_view_split(options.views);
  if (given) inputs.start = select_organs(read_gaussians(options.in), options.scan.organs);
  if (given && !traces) return inputs;
  const auto network = given ? nullptr : tools::load_network(options.scan);
  const Subject subject = load_subject(given ? options.ct : options.in, options, network.get());
  if (!given) inputs.start = tools::predict(subject.scene, subject.tf, options.scan, network.get()).gaussians;
  if (traces) inputs.views = trace(subject, options, traced);
  return inputs;
}

void write_curve(const std::vector<FinetunePoint>& curve, const fs::path& path) {
  AtomicFile file(path);
  file.write("step,seconds,held_out_psnr_db,gaussians\n");
  for (const FinetunePoint& point : curve) {
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
  options.tune.best_file = options.best;
  if (!options.best.empty()) {
    if (options.tune.best_file.extension() != ".ply")
      fail_input("cannot write {}: --best is a .ply", options.best);
    check_writable(options.best);
  }
  options.tune.state_file = out.string() + ".run";
  if (options.restart) fs::remove(options.tune.state_file);

  if (options.views.empty() == (options.trace.train == 0)) {
    fail_usage("name the pictures to refine against: either --views DIR or --path-trace N");
  }
  const bool keeps_views = !options.keep_views.empty();
  const fs::path traced = keeps_views ? fs::path(options.keep_views) : fs::path(out.string() + ".views");
  if (options.restart && !keeps_views) fs::remove_all(traced);
  const auto [start, views] = load_inputs(options, traced);
  if (options.densify == "adaptive") {
    options.tune.densify = scaled_to(DensifyOptions{.lower_opacity_every = 0}, options.tune.steps);
    options.tune.densify->max_gaussians = options.scan.max_gaussians;
  } else if (options.densify == "mcmc") {
    options.tune.mcmc = scaled_to(McmcOptions{}, options.tune.steps);
    options.tune.mcmc->max_gaussians = options.scan.max_gaussians;
  }
  std::vector<FinetunePoint> curve;
  const FinetuneWatch watch = [&](const FinetunePoint& point) {
    curve.push_back(point);
    if (!options.curve.empty()) write_curve(curve, options.curve);
  };
  FinetuneResult result = finetune(start, views, options.tune, watch);
  if (result.made_progress) result.gaussians.model = fine_tuned(result.gaussians.model);
  write_ply(result.gaussians, out);
  if (!options.curve.empty()) write_curve(result.curve, options.curve);
  fs::remove(options.tune.state_file);
  if (options.trace.train > 0 && !keeps_views) fs::remove_all(traced);
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
      "  renderfm-finetune ct.nii.gz refined.ply --path-trace 20\n"
      "  renderfm-finetune out.ply refined.ply --path-trace 40 --size 512 --ct ct.nii.gz --tf organs\n"
      "A run that was cut short is taken up again by the same command: OUT.run and OUT.views hold it until "
      "OUT is there."};
  return tools::run_tool(argc, argv, program, [&](CLI::App& app, const tools::CommonOptions& common) {
    const std::string tuning = "Fine-tuning";
    app.add_option("IN", options.in, "Gaussians (.ply .glb .spz .splat), or a CT as renderfm-infer takes it")
        ->required();
    app.add_option("OUT", options.out, "Gaussians to write, .ply")->required();
    app.add_option(
           "--views", options.views,
           "Folder with transforms_train.json (and transforms_test.json) or transforms.json in the NeRF "
           "convention, or such a file; one of our cases is such a folder")
        ->group(tuning);
    auto* const traced =
        app.add_option(
               "--path-trace", options.trace.train,
               "Instead of --views: trace so many pictures of the scan to learn from, and held-out ones")
            ->default_str("")
            ->check(CLI::Range(1, 10000).description(""))
            ->group(tuning);
    const auto add_traced = [&](CLI::Option* option) { option->needs(traced)->group(tuning); };
    add_traced(app.add_option("--held-out", options.trace.held_out,
                              "Held-out pictures; 0 for a quarter as many, at least 3")
                   ->check(CLI::Range(0, 10000).description("")));
    add_traced(app.add_option("--size", options.size, "Their width and height in pixels")
                   ->check(CLI::Range(16, 8192).description("")));
    add_traced(app.add_option("--spp", options.trace.train_samples,
                              "Samples per pixel, denoised where Open Image Denoise is found")
                   ->check(CLI::Range(1, 1 << 20).description("")));
    add_traced(app.add_option("--held-out-spp", options.trace.held_out_samples,
                              "The same of held-out pictures, never denoised")
                   ->check(CLI::Range(1, 1 << 20).description("")));
    add_traced(app.add_option("--light", options.light, "uniform, studio, or a YAML file"));
    add_traced(app.add_option("--ct", options.ct, "The scan to trace, where IN holds Gaussians"));
    add_traced(app.add_option("--keep-views", options.keep_views,
                              "Keep the traced pictures in this folder, for --views"));
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
    app.add_flag(
           "--densify{adaptive}", options.densify,
           "Clone, split and prune Gaussians, up to --max-gaussians; --densify=mcmc moves and adds them "
           "by 3DGS-MCMC")
        ->check(CLI::IsMember({"adaptive", "mcmc"}).description(""))
        ->group(tuning);
    app.add_option("--save-every", options.tune.save_every_s, "Seconds between two states on disk")
        ->check(CLI::Range(0.0, 1e6).description(""))
        ->group(tuning);
    app.add_option("--curve", options.curve,
                   "Write steps, seconds and held-out PSNR as CSV, anew after every evaluation")
        ->group(tuning);
    app.add_option("--best", options.best,
                   "Write the best Gaussians so far (.ply) at every better evaluation")
        ->group(tuning);
    app.add_flag("--restart", options.restart, "Start anew where a run was cut short")->group(tuning);
    app.add_flag("--overwrite", options.overwrite, "Replace OUT")->group(tuning);
    tools::add_scan_options(app, options.scan);
    return [&] {
      options.tune.seed = options.trace.seed = common.seed;
      options.trace.width = options.trace.height = options.size;
      run(options);
    };
  });
}
