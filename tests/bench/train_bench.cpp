// A step of training against the network's own forward and backward pass: boxes of 64 voxels, 16 features,
// four views of 128 pixels.
#include <benchmark/benchmark.h>

#include "train/stepper.h"
#include "unit/train/small_scene.h"

namespace {

using namespace renderfm;

train::TrainConfig bench_config() {
  train::TrainConfig config;
  config.device = "cpu";
  config.plan.patch_zyx = {64, 64, 64};
  config.plan.network.base_features = 16;
  config.optimizer.batch = 1;
  config.optimizer.views = 4;
  config.finish();
  return config;
}

train::TrainingData bench_data() {
  train::TrainingData data;
  data.train.names = {"ball-0"};
  data.train.load = [](std::int64_t) {
    static const train::TrainingSample sample = train::test::small_scene(0, 4, {64, 128});
    return sample;
  };
  return data;
}

void train_step(benchmark::State& state) {
  const train::TrainConfig config = bench_config();
  const train::TrainingData data = bench_data();
  train::ProcessGroup alone({}, 60);
  train::Stepper stepper(config, data, alone);
  stepper.begin(0);
  std::int64_t step = 0;
  stepper.step(step++, false, false, {});
  const double waited = stepper.times().wait;
  for (auto _ : state) stepper.step(step++, false, false, {});
  state.counters["gaussians"] = static_cast<double>(stepper.gaussians());
  state.counters["waiting_for_samples_s"] =
      benchmark::Counter(stepper.times().wait - waited, benchmark::Counter::kAvgIterations);
}
BENCHMARK(train_step)->Name("train/step")->Unit(benchmark::kMillisecond)->UseRealTime();

void network_alone(benchmark::State& state) {
  const train::TrainConfig config = bench_config();
  UNet3d network(config.plan.network, 1);
  for (const NamedTensor& parameter : network.parameters()) {
    torch::Tensor weight = parameter.tensor;
    weight.requires_grad_(true);
  }
  const torch::Tensor input = train::test::small_scene(0, 1, {64, 128}).input.unsqueeze(0);
  for (auto _ : state) network.forward(input).sum().backward();
}
BENCHMARK(network_alone)->Name("train/network_alone")->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
