// renderfm-train: a data set of renderfm-prepare becomes a network for renderfm-infer.

#include <fmt/core.h>

#include <cstdlib>
#include <filesystem>

#include "common/cli_main.h"
#include "renderfm/core/check.h"
#include "renderfm/core/log.h"
#include "renderfm/core/parallel.h"
#include "renderfm/model/network.h"
#include "renderfm/train/case_samples.h"
#include "renderfm/train/trainer.h"

namespace {

using namespace renderfm;

struct Options {
  std::string config, data, out, resume, init, export_from, name;
  std::vector<std::string> assignments;
  std::int64_t benchmark = 0;
  bool print_config = false;
};

// What ships of a checkpoint: the averaged weights in half precision, the plan, and where they came from.
void export_model(const Options& options) {
  if (options.out.empty()) fail_usage("--out is missing: the file to write the model to");
  std::error_code error;
  if (std::filesystem::exists(options.out, error))
    fail_input("{} is there already; name another --out", options.out);
  const Checkpoint whole = load_checkpoint(options.export_from);
  Checkpoint model;
  model.plan = whole.plan;
  if (!options.name.empty()) model.plan.name = options.name;
  const UNet3d network = network_from(whole, options.export_from);
  for (const NamedTensor& weight : network.parameters()) {
    model.tensors["weights/" + weight.name] = weight.tensor.to(torch::kFloat16);
  }
  save_checkpoint(options.out, model);
  log_info("{}: {}", options.out, Network::load(options.out, torch::kCPU).label());
}

void run(const Options& options) {
  if (!options.export_from.empty()) return export_model(options);
  train::TrainConfig config = options.config.empty()
                                  ? train::parse_config("", "--set", options.assignments)
                                  : train::load_config(options.config, options.assignments);
  if (!options.data.empty()) config.data.folder = options.data;
  if (options.print_config) {
    fmt::print("{}", train::dump_config(config));
    return;
  }
  config.finish();
  if (options.config.empty()) fail_usage("--config is missing; configs/small.yaml is a good start");
  if (options.out.empty() && options.benchmark == 0) fail_usage("--out is missing: the folder of the run");
  if (!options.resume.empty() && !options.init.empty()) fail_usage("--resume and --init exclude each other");

  const train::Membership member = train::membership_from([](const char* name) { return std::getenv(name); });
  if (member.rank > 0 && verbosity() == Verbosity::kNormal) set_verbosity(Verbosity::kQuiet);
  train::ProcessGroup group(member, config.timeout_s);
  if (group.size() > 1) log_info("{} processes, started by {}", group.size(), member.launcher);
  const train::TrainingData data = train::open_data_set(config.data.folder, config);
  log_info("{} training and {} validation cases in {}", data.train.size(), data.validation.size(),
           config.data.folder);
  if (options.benchmark > 0) {
    train::benchmark_training(config, data, options.benchmark, group);
  } else {
    train::run_training(config, data, {options.out, options.resume, options.init}, group);
  }
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  const tools::Program program{
      "renderfm-train", "Trains the network that renderfm-infer --model uses.",
      "  renderfm-train --config configs/small.yaml --data dataset --out runs/first\n"
      "  renderfm-train --config configs/small.yaml --data dataset --out runs/first --resume auto\n"
      "  renderfm-train --config configs/small.yaml --set optimizer.lr=1e-4 --set seed=2 --print-config\n"
      "  torchrun --nproc-per-node 4 --no-python renderfm-train --config configs/paper.yaml --data D --out "
      "R\n"
      "  renderfm-train --export runs/first/checkpoints/best.safetensors --name mine --out mine.safetensors\n"
      "  srun -n 8 renderfm-train --config configs/paper.yaml --data D --out R --resume auto"};
  return tools::run_tool(argc, argv, program, [&](CLI::App& app, const tools::CommonOptions&) {
    app.add_option("--config", options.config, "YAML that overrides the defaults, as in configs/");
    app.add_option("--data", options.data, "Data set of renderfm-prepare; wins over data.folder");
    app.add_option("--out", options.out, "Folder of the run: checkpoints, numbers, pictures");
    app.add_option("--set", options.assignments, "key=value; wins over the config, may be repeated")
        ->allow_extra_args(false);
    app.add_option("--resume", options.resume,
                   "auto: go on where --out stands; or a checkpoint to go on from");
    app.add_option("--init", options.init, "Start from the weights of this checkpoint");
    app.add_option(
        "--export", options.export_from,
        "Write the averaged weights of this checkpoint to the file --out, in half precision, and stop");
    app.add_option("--name", options.name, "Of the model that --export writes");
    app.add_option("--benchmark", options.benchmark,
                   "Time N steps, print where the time goes, leave nothing");
    app.add_flag("--print-config", options.print_config, "Print every key with its value and stop");
    return [&] { run(options); };
  });
}
