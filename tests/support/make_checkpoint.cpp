// Writes a checkpoint with random weights: for tests, and for timing a network before one is trained.
#include <torch/csrc/autograd/grad_mode.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "renderfm/core/check.h"
#include "renderfm/model/checkpoint.h"

namespace renderfm {
namespace {

constexpr const char* kUsage =
    "usage: renderfm_make_checkpoint OUT [features=32] [stages=N] [patch=112x96x128] [overlap=0.5] [seed=1] "
    "[head_scale=0] [name=random]\n"
    "patch is depth x height x width; without stages the depth follows from it; head_scale 0 leaves the "
    "last\n"
    "convolution at zero, so that the network changes nothing, 1 draws it like every other layer.";

std::int64_t whole(const std::string& text) {
  std::size_t used = 0;
  std::int64_t value = 0;
  try {
    value = std::stoll(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used == 0 || used != text.size()) fail_usage("'{}' is not a whole number", text);
  return value;
}

double number(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') fail_usage("'{}' is not a number", text);
  return value;
}

void make(int argc, char** argv) {
  if (argc < 2) fail_usage("{}", kUsage);
  std::map<std::string, std::string> options{{"features", "32"}, {"stages", ""}, {"patch", "112x96x128"},
                                             {"overlap", "0.5"}, {"seed", "1"},  {"head_scale", "0"},
                                             {"name", "random"}};
  for (int i = 2; i < argc; ++i) {
    const std::string argument = argv[i];
    const std::size_t equals = argument.find('=');
    const auto option = options.find(argument.substr(0, equals));
    if (equals == std::string::npos || option == options.end()) fail_usage("'{}'?\n{}", argument, kUsage);
    option->second = argument.substr(equals + 1);
  }

  Checkpoint checkpoint;
  Plan& plan = checkpoint.plan;
  plan.name = options["name"];
  const std::string& patch = options["patch"];
  const std::size_t x1 = patch.find('x'), x2 = patch.rfind('x');
  if (x1 == std::string::npos || x1 == x2)
    fail_usage("patch is '{}'; expected three sides like 112x96x128", patch);
  plan.patch_zyx = {whole(patch.substr(0, x1)), whole(patch.substr(x1 + 1, x2 - x1 - 1)),
                    whole(patch.substr(x2 + 1))};
  plan.overlap = number(options["overlap"]);
  plan.network.base_features = whole(options["features"]);
  plan.network.stages =
      options["stages"].empty() ? stages_for_patch(plan.patch_zyx) : whole(options["stages"]);
  plan.info["weights"] = "random, seed " + options["seed"];

  const UNet3d network(plan.network, static_cast<std::uint64_t>(whole(options["seed"])));
  const torch::Tensor head = network.parameters()[network.parameters().size() - 2].tensor;
  const at::NoGradGuard no_grad;
  at::manual_seed(static_cast<std::uint64_t>(whole(options["seed"])));
  const double fan_in = static_cast<double>(head.size(1));
  head.normal_().mul_(number(options["head_scale"]) * std::sqrt(2.0 / fan_in));
  put_weights(checkpoint, network);
  save_checkpoint(argv[1], checkpoint);
  std::printf("%s: %.1f million weights\n", argv[1], 1e-6 * static_cast<double>(network.parameter_count()));
}

}  // namespace
}  // namespace renderfm

int main(int argc, char** argv) {
  try {
    renderfm::make(argc, argv);
    return 0;
  } catch (const renderfm::Error& error) {
    std::fprintf(stderr, "renderfm_make_checkpoint: %s\n", error.what());
    return static_cast<int>(error.kind());
  }
}
