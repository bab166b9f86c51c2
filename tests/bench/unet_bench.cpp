// The network on one tile, and PyTorch's PlainConvUNet of the same sizes on the same machine in the same run
// (where the interpreter in RENDERFM_PYTHON has it).
#include <ATen/CPUGeneratorImpl.h>
#include <benchmark/benchmark.h>
#include <fmt/core.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "renderfm/core/parallel.h"
#include "renderfm/nn/unet3d.h"

namespace {

constexpr int kPasses = 5;

std::vector<std::int64_t> shape_of(const benchmark::State& state) {
  return {state.range(1), state.range(2), state.range(3)};
}

renderfm::UNet3dConfig config_of(const benchmark::State& state) {
  renderfm::UNet3dConfig config;
  config.base_features = state.range(0);
  config.stages = renderfm::stages_for_patch({state.range(1), state.range(2), state.range(3)});
  return config;
}

void ours(benchmark::State& state) {
  const renderfm::UNet3d network(config_of(state), 1);
  const std::vector<std::int64_t> shape = shape_of(state);
  const torch::Tensor input =
      at::randn({6, shape[0], shape[1], shape[2]}, at::detail::createCPUGenerator(2), at::kFloat);
  // Every voxel, as PyTorch has it; a scan asks for its foreground alone.
  const torch::Tensor voxels = at::arange(0, shape[0] * shape[1] * shape[2], at::kLong);
  network.infer(input, voxels);
  for (auto _ : state) benchmark::DoNotOptimize(network.infer(input, voxels));
  state.counters["weights"] = static_cast<double>(network.parameter_count());
  state.counters["threads"] = renderfm::thread_count();
}

void pytorch(benchmark::State& state) {
  const char* const named = std::getenv("RENDERFM_PYTHON");
  const std::vector<std::int64_t> shape = shape_of(state);
  const std::string command =
      fmt::format("'{}' '{}/tests/bench/unet_pytorch.py' {} {} {} {} {} {} {}",
                  named != nullptr ? named : RENDERFM_SOURCE_DIR "/.venv/bin/python", RENDERFM_SOURCE_DIR,
                  renderfm::thread_count(), kPasses, state.range(0), config_of(state).stages, shape[0],
                  shape[1], shape[2]);
  FILE* const output = ::popen(command.c_str(), "r");
  double seconds = 0;
  for (auto _ : state) {
    if (output == nullptr || std::fscanf(output, "%lf", &seconds) != 1) {
      state.SkipWithError("PyTorch and dynamic-network-architectures are needed");
      break;
    }
    state.SetIterationTime(seconds);
  }
  if (output != nullptr) ::pclose(output);
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"features", "D", "H", "W"})->Unit(benchmark::kMillisecond)->Iterations(kPasses);
  bench->Args({32, 96, 96, 96})->Args({16, 96, 96, 96})->Args({32, 112, 96, 128});
}
BENCHMARK(ours)->Name("unet/forward")->Apply(sizes)->UseRealTime();
BENCHMARK(pytorch)->Name("unet/forward_pytorch")->Apply(sizes)->UseManualTime();

}  // namespace

BENCHMARK_MAIN();
