// renderfm-eval: draws and measures the held-out views of a data set by several methods, and reports.

#include <fmt/core.h>

#include <filesystem>

#include "common/cli_main.h"
#include "renderfm/core/check.h"
#include "renderfm/eval/evaluate.h"
#include "renderfm/eval/report.h"
#include "renderfm/nn/device.h"

namespace {

using namespace renderfm;
namespace fs = std::filesystem;

struct Options {
  std::string dataset, out, model, device = "auto";
  std::vector<std::string> methods{"priming", "finetune", "dvr"}, lpips;
  int shown_views = 8;
  BaselineOptions baselines;
};

void print_table(const std::vector<CaseResult>& results, const std::vector<Method>& methods) {
  fmt::print("method\tPSNR\tforeground PSNR\tSSIM\tFLIP\n");
  for (const Method method : methods) {
    const std::string name = method_name(method);
    fmt::print("{}\t{:.2f}\t{:.2f}\t{:.4f}\t{:.4f}\n", name, mean_of(results, name, "PSNR"),
               mean_of(results, name, "foreground PSNR"), mean_of(results, name, "SSIM"),
               mean_of(results, name, "FLIP"));
  }
}

void run(const Options& options) {
  EvaluateOptions wish;
  wish.dataset = options.dataset;
  wish.out = options.out;
  wish.baselines = options.baselines;
  wish.lpips = {options.lpips.begin(), options.lpips.end()};
  for (const std::string& name : options.methods) wish.methods.push_back(parse_method(name));
  std::unique_ptr<Network> network;
  if (!options.model.empty()) {
    network = std::make_unique<Network>(Network::load(options.model, pick_device(options.device)));
    wish.network = network.get();
  }
  std::error_code error;
  fs::create_directories(wish.out, error);
  if (error) fail_input("the folder {} cannot be made: {}", wish.out.string(), error.message());

  const std::vector<CaseResult> results = evaluate(wish);
  std::string methods;
  for (const std::string& name : options.methods) methods += (methods.empty() ? "" : ",") + name;
  write_reports(
      results,
      {wish.out, wish.dataset,
       fmt::format("renderfm-eval --methods {} --steps {} --full-steps {} --start-points {} --seed {}",
                   methods, wish.baselines.finetune_steps, wish.baselines.full_steps,
                   wish.baselines.start_points, wish.baselines.seed),
       options.shown_views});
  print_table(results, wish.methods);
  fmt::print("{}\n", (wish.out / "report.html").string());
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  const tools::Program program{
      "renderfm-eval", "Measures methods on the held-out views of a data set and writes a report.",
      "  renderfm-eval --dataset cases --out evaluation\n"
      "  renderfm-eval --dataset cases --methods priming,finetune,6dgs-agp --full-steps 7000 --out "
      "evaluation\n"
      "  renderfm-eval --dataset cases/aorta --methods network,finetune --model model.ckpt --lpips "
      "lpips_vgg.pt\n"
      "                --out evaluation\n"
      "What is measured stays in OUT: the same command goes on where it was cut short."};
  return tools::run_tool(argc, argv, program, [&](CLI::App& app, const tools::CommonOptions& common) {
    app.add_option("--dataset", options.dataset, "A case as renderfm-prepare makes it, or a folder of them")
        ->required();
    app.add_option("--methods", options.methods,
                   "Of priming, network, finetune, 6dgs, 6dgs-agp, 3dgs-agp, dvr")
        ->delimiter(',');
    app.add_option("--out", options.out,
                   "Folder for results.json, per_view.json, results.csv and report.html")
        ->required();
    app.add_option("--steps", options.baselines.finetune_steps, "Steps of finetune")
        ->check(CLI::Range(1, 10000000).description(""));
    app.add_option("--full-steps", options.baselines.full_steps, "Steps of 6dgs, 6dgs-agp and 3dgs-agp")
        ->check(CLI::Range(1, 10000000).description(""));
    app.add_option("--start-points", options.baselines.start_points, "Gaussians that these start from")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 31).description(""));
    app.add_option("--max-gaussians", options.baselines.max_gaussians, "Upper limit of every method")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 31).description(""));
    app.add_option("--lpips", options.lpips, "LPIPS networks as scripts/export_lpips.py writes them")
        ->delimiter(',');
    app.add_option("--shown-views", options.shown_views, "Worst views with pictures in the report")
        ->check(CLI::Range(0, 10000).description(""));
    app.add_option("--model", options.model, "Network checkpoint, for network and finetune");
    app.add_option("--device", options.device, "Where the network runs: auto, cpu or cuda")
        ->check(CLI::IsMember({"auto", "cpu", "cuda"}).description(""));
    return [&] {
      options.baselines.seed = common.seed;
      run(options);
    };
  });
}
