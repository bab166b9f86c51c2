// renderfm-prepare: makes the data sets that training, fine-tuning and evaluation read.

#include <fmt/core.h>

#include <string>

#include "common/cli_main.h"
#include "common/prepare_options.h"
#include "renderfm/core/check.h"
#include "renderfm/data/path_traced_views.h"
#include "renderfm/data/prepare.h"
#include "renderfm/data/verify.h"

namespace {

using namespace renderfm;

struct Options {
  std::string config, scans, out, shard, device = "auto";
  bool verify = false, overwrite = false;
  tools::PrepareOptions direct;
};

void verify(const Options& options) {
  const data::VerifySummary summary = data::verify_dataset(options.out);
  for (const std::string& problem : summary.problems) fmt::print("{}\n", problem);
  if (!summary.problems.empty()) {
    fail_input("{}: {} problems in {} cases; remove those folders and run again what made them", options.out,
               summary.problems.size(), summary.cases);
  }
  fmt::print("{}: {} cases with {} views are whole\n", options.out, summary.cases, summary.views);
}

data::PrepareConfig config_of(const CLI::App& app, const Options& options, std::uint64_t seed) {
  const std::string direct = tools::given_prepare_option(app);
  if (options.config.empty()) {
    if (!tools::names_scans(options.direct)) {
      fail_usage("name CTs, --phantom N or --config F; see renderfm-prepare --help");
    }
    return tools::prepare_config(options.direct, seed);
  }
  if (!direct.empty()) {
    fail_usage("--config says what to make; leave {} out, or change it in the file", direct);
  }
  data::PrepareConfig config = data::prepare_config(ConfigNode::parse_file(options.config), options.scans);
  if (app.count("--seed") > 0) config.seed = seed;
  return config;
}

void run(const CLI::App& app, const Options& options, std::uint64_t seed) {
  if (options.verify) return verify(options);
  const data::PrepareConfig config = config_of(app, options, seed);
  data::PrepareRun prepare_run{options.out, 0, 1, options.overwrite};
  data::set_shard(prepare_run, options.shard);
  data::check_prepare_config(config);
  const data::PrepareSummary summary =
      data::prepare(config, prepare_run, data::path_traced_views(config, options.device));
  fmt::print("{}: {} cases, {} of them made now with {} new views\n", options.out, summary.planned,
             summary.made, summary.views_made);
  if (!summary.contact_sheet.empty()) fmt::print("{}\n", summary.contact_sheet.string());
}

}  // namespace

int main(int argc, char** argv) {
  const tools::Program program{
      "renderfm-prepare", "Makes data sets: scans or boxes of them x transfer functions x path-traced views.",
      "  renderfm-prepare ct.nii.gz --labels segmentation.nii.gz --tf bone --out data\n"
      "  renderfm-prepare --phantom 20 --crop 96 --tf bone,organs --views 24 --out data\n"
      "  renderfm-prepare --phantom 1 --views 0 --out phantom\n"
      "  renderfm-prepare --config configs/prepare/paper.yaml --out data --shard 0/16\n"
      "  renderfm-prepare --verify --out data\n"};
  Options options;
  return tools::run_tool(argc, argv, program, [&](CLI::App& app, const tools::CommonOptions& common) {
    app.add_option("--out", options.out, "Folder of the data set, one folder a case")->required();
    app.add_option("--config", options.config, "YAML that says what to make instead; see configs/prepare");
    app.add_option("--scans", options.scans, "Folder where the relative paths of scans in --config start")
        ->envname("RENDERFM_SCANS");
    app.add_option("--shard", options.shard,
                   "I/N: make the I-th of N equal parts, from 0; a Slurm array by itself");
    app.add_option("--device", options.device, "Where paths are traced: auto, cpu or cuda")
        ->check(CLI::IsMember({"auto", "cpu", "cuda"}).description(""));
    app.add_flag("--verify", options.verify, "Check what --out holds instead");
    app.add_flag("--overwrite", options.overwrite, "Replace cases that were made with other settings");
    tools::add_prepare_options(app, options.direct);
    return [&] { run(app, options, common.seed); };
  });
}
