// renderfm-eval: draws and measures the held-out views of scans by several methods, and reports.

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "common/cli_main.h"
#include "common/model_choice.h"
#include "common/prepare_options.h"
#include "renderfm/core/check.h"
#include "renderfm/data/path_traced_views.h"
#include "renderfm/data/prepare.h"
#include "renderfm/eval/evaluate.h"
#include "renderfm/eval/report.h"

namespace {

using namespace renderfm;
namespace fs = std::filesystem;

struct Options {
  std::string dataset, out, config, device = "auto";
  std::vector<std::string> methods, robustness, cases, lpips;
  int finetune_steps = 0, full_steps = 0, shown_views = 8;
  bool report_only = false;
  MethodSettings settings;
  tools::PrepareOptions scans;
};

/// What --methods, or nothing, asks for without a config.
std::vector<MethodSpec> named_methods(const Options& options) {
  std::vector<std::string> names = options.methods;
  if (names.empty()) names = {"priming", "finetune", "dvr"};
  std::vector<MethodSpec> specs;
  for (const std::string& name : names) {
    MethodSettings settings = options.settings;
    settings.steps = name == "finetune" ? options.finetune_steps : options.full_steps;
    specs.push_back(parse_method_spec(name, settings));
  }
  for (const std::string& name : options.robustness) {
    const auto found =
        std::find_if(specs.begin(), specs.end(), [&](const MethodSpec& s) { return s.name == name; });
    if (found == specs.end()) fail_usage("--robustness {} is not among --methods", name);
    const std::vector<MethodSpec> varied = variants_of(MethodSpec(*found), all_variants());
    specs.insert(specs.end(), varied.begin(), varied.end());
  }
  return specs;
}

/// Those of a config's methods, variants included, that --methods names.
std::vector<MethodSpec> chosen(std::vector<MethodSpec> specs, const std::vector<std::string>& names) {
  std::vector<std::string> known;
  for (const MethodSpec& spec : specs) known.push_back(spec.name);
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      fail_input("--config has no method '{}'; there are {}", name,
                 fmt::format("{}", fmt::join(known, ", ")));
    }
  }
  if (names.empty()) return specs;
  std::erase_if(specs, [&](const MethodSpec& spec) {
    return std::none_of(names.begin(), names.end(), [&](const std::string& name) {
      return name == spec.name || name == base_name(spec.name);
    });
  });
  return specs;
}

void read_methods(const CLI::App& app, const Options& options, EvaluateOptions& wish) {
  if (options.config.empty()) {
    wish.methods = named_methods(options);
    return;
  }
  for (const char* flag : {"--steps", "--full-steps", "--start-points", "--max-gaussians", "--robustness"}) {
    if (app.count(flag) > 0) {
      fail_usage("--config says how methods run; leave {} out, or change it in the file", flag);
    }
  }
  EvalConfig config = read_eval_config(ConfigNode::parse_file(options.config), options.settings);
  if (wish.lpips.empty()) wish.lpips = config.lpips;
  wish.methods = chosen(std::move(config.methods), options.methods);
}

/// The data set: the one that is named, or one made of the scans that are.
fs::path dataset_of(const CLI::App& app, const Options& options, std::uint64_t seed) {
  if (!options.dataset.empty()) {
    const std::string given = tools::given_prepare_option(app);
    if (!given.empty()) fail_usage("--dataset is measured as it is; {} is for scans", given);
    return options.dataset;
  }
  if (!tools::names_scans(options.scans)) {
    fail_usage("name a data set by --dataset, or CTs; see renderfm-eval --help");
  }
  const data::PrepareConfig config = tools::prepare_config(options.scans, seed);
  data::check_prepare_config(config);
  const fs::path folder = fs::path(options.out) / "dataset";
  data::prepare(config, {folder}, data::path_traced_views(config, options.device));
  return folder;
}

void print_table(const Evaluation& evaluation) {
  fmt::print("method\tPSNR\tforeground PSNR\tSSIM\tFLIP\n");
  std::set<std::string> seen;
  for (const CaseResult& result : evaluation.results) {
    if (!seen.insert(result.method).second) continue;
    const auto mean = [&](const char* metric) { return mean_of(evaluation.results, result.method, metric); };
    fmt::print("{}\t{:.2f}\t{:.2f}\t{:.4f}\t{:.4f}\n", result.method, mean("PSNR"), mean("foreground PSNR"),
               mean("SSIM"), mean("FLIP"));
  }
}

/// How the report was made, by names of files without their folders.
std::string command_of(const CLI::App& app) {
  std::string command = "renderfm-eval";
  for (const CLI::Option* option : app.get_options()) {
    const std::string name = option->get_name();
    if (option->count() == 0 || name == "--out" || name == "--dataset" || name == "--report") continue;
    std::vector<std::string> values;
    for (const std::string& value : option->results()) values.push_back(fs::path(value).filename().string());
    command += fmt::format(" {}{}", option->get_positional() ? "" : name + " ", fmt::join(values, ","));
  }
  return command;
}

void run(const CLI::App& app, const Options& options) {
  EvaluateOptions wish;
  wish.out = options.out;
  wish.cases = options.cases;
  wish.lpips = {options.lpips.begin(), options.lpips.end()};
  wish.device = options.device;
  wish.stored_only = options.report_only;
  read_methods(app, options, wish);
  std::error_code error;
  fs::create_directories(wish.out, error);
  if (error) fail_input("the folder {} cannot be made: {}", wish.out.string(), error.message());
  wish.dataset = dataset_of(app, options, options.settings.seed);

  const Evaluation evaluation = evaluate(wish);
  if (evaluation.results.empty() && evaluation.failures.empty()) {
    fail_input("{} holds no results of these methods and cases yet", wish.out.string());
  }
  write_reports(evaluation, {wish.out, wish.dataset, command_of(app), options.shown_views});
  print_table(evaluation);
  fmt::print("{}\n", (wish.out / "report.html").string());
  if (!evaluation.failures.empty()) {
    const Failure& first = evaluation.failures.front();
    fail_runtime("{} of {} measurements failed, the first: {} on {}: {}", evaluation.failures.size(),
                 evaluation.failures.size() + evaluation.results.size(), first.method, first.case_name,
                 first.reason);
  }
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  options.scans.size = "256x256";
  options.scans.split = "test";
  options.scans.test_views = 10;
  options.scans.wish.views.count.train = 20;
  const tools::Program program{
      "renderfm-eval", "Measures methods on the held-out views of scans and writes a report.",
      "  renderfm-eval --dataset cases --out evaluation\n"
      "  renderfm-eval --dataset cases --methods priming,finetune,6dgs-agp,6dgs-agp-mcmc --full-steps 7000 "
      "--out evaluation\n"
      "  renderfm-eval --dataset cases/aorta --methods network,finetune --robustness network --model "
      "model.ckpt\n"
      "                --lpips lpips_vgg.pt --out evaluation\n"
      "  renderfm-eval --dataset cases --config configs/eval/methods.yaml --cases aorta --out evaluation\n"
      "  renderfm-eval ct.nii.gz --labels segmentation.nii.gz --tf bone --views 20 --test-views 10 --out "
      "evaluation\n"
      "What is measured stays in OUT: the same command goes on where it was cut short."};
  return tools::run_tool(argc, argv, program, [&](CLI::App& app, const tools::CommonOptions& common) {
    const std::string methods = "Methods";
    app.add_option("--dataset", options.dataset,
                   "A case as renderfm-prepare makes it, or a folder of them, instead of CTs");
    app.add_option("--cases", options.cases, "Only these of them")->delimiter(',');
    app.add_option("--out", options.out,
                   "Folder for results.json, per_view.json, results.csv and report.html")
        ->required();
    app.add_flag("--report", options.report_only, "Measure nothing: report what OUT holds");
    app.add_option("--shown-views", options.shown_views, "Worst views with pictures in the report")
        ->check(CLI::Range(0, 10000).description(""));
    app.add_option("--methods", options.methods,
                   "Of priming, network, finetune, 6dgs, 6dgs-agp, 3dgs-agp (with -mcmc behind them: by "
                   "3DGS-MCMC), dvr; or of those in --config. Default: priming, finetune, dvr")
        ->delimiter(',')
        ->group(methods);
    app.add_option("--config", options.config, "YAML of methods; see configs/eval/methods.yaml")
        ->group(methods);
    app.add_option("--robustness", options.robustness,
                   "Of priming, network, finetune: measure them, too, without labels, with wrong labels, "
                   "coarser voxels and noise")
        ->delimiter(',')
        ->group(methods);
    app.add_option("--steps", options.finetune_steps, "Steps of finetune; 0 for 1500")
        ->check(CLI::Range(0, 10000000).description(""))
        ->group(methods);
    app.add_option("--full-steps", options.full_steps,
                   "Steps of 6dgs, 6dgs-agp and 3dgs-agp; 0 for 30000, their authors' number")
        ->check(CLI::Range(0, 10000000).description(""))
        ->group(methods);
    app.add_option("--start-points", options.settings.start_points, "Gaussians that these start from")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 31).description(""))
        ->group(methods);
    app.add_option("--max-gaussians", options.settings.max_gaussians, "Upper limit of every method")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 31).description(""))
        ->group(methods);
    app.add_option("--lpips", options.lpips, "LPIPS networks as scripts/export_lpips.py writes them")
        ->delimiter(',')
        ->group(methods);
    tools::add_model_option(app, options.settings.model)->group(methods);
    app.add_option("--device", options.device,
                   "Where the network runs and paths are traced: auto, cpu or cuda")
        ->check(CLI::IsMember({"auto", "cpu", "cuda"}).description(""))
        ->group(methods);
    tools::add_prepare_options(app, options.scans);
    return [&] {
      options.settings.seed = common.seed;
      options.settings.model = tools::model_file(options.settings.model);
      run(app, options);
    };
  });
}
