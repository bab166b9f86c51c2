// The rasterizer, stage by stage. A name says scene, stage, SIMD level where it is not the best one, views
// and threads.
#include <benchmark/benchmark.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/raster_scenes.h"
#include "bench/raster_stages.h"
#include "renderfm/core/check.h"
#include "renderfm/core/cpu.h"

namespace renderfm::bench {
namespace {

struct NamedScene {
  std::string name;
  std::function<Scene()> make;
};

/// The scene and the buffers of the benchmark that runs, and only of that: Google Benchmark calls a function
/// again and again to find how often to iterate.
struct Current {
  std::string scene_name;
  Scene scene;
  std::unique_ptr<Stages> stages;
  std::string case_name;

  Stages& of(const NamedScene& named, const Case& what) {
    if (case_name == what.name) return *stages;
    case_name.clear();
    stages.reset();
    if (scene_name != named.name) {
      scene_name.clear();
      scene = {};
      scene = named.make();
      scene_name = named.name;
    }
    stages = std::make_unique<Stages>(scene, what);
    case_name = what.name;
    return *stages;
  }
};

Current& current() {
  static Current only;
  return only;
}

void add(const NamedScene& scene, Case what) {
  what.name = scene.name + "/" + stage_name(what.stage);
  if (!what.level.empty()) what.name += "/" + what.level;
  if (what.views > 1) what.name += "/views:" + std::to_string(what.views);
  what.name += "/threads:" + std::to_string(what.threads);
  benchmark::RegisterBenchmark(what.name.c_str(), [scene, what](benchmark::State& state) {
    try {
      current().of(scene, what).run(state);
    } catch (const Error& error) {
      state.SkipWithError(error.what());
    }
  })->Unit(benchmark::kMillisecond);
}

std::vector<std::string> levels() {
  std::vector<std::string> names;
  for (const SimdLevel level : {SimdLevel::kBaseline, SimdLevel::kAvx2, SimdLevel::kAvx512}) {
    if (level <= detect_simd_level()) names.emplace_back(simd_level_name(level));
  }
  return names;
}

void add_ball() {
  const NamedScene ball{"ball_100k", ball_100k};
  for (const Stage stage : {Stage::kForward, Stage::kBackward, Stage::kBoth}) {
    for (const int threads : {1, 2}) add(ball, {.stage = stage, .threads = threads});
  }
  for (const int threads : {1, 2}) add(ball, {.stage = Stage::kBackwardAll, .threads = threads});
  for (const std::string& level : levels()) {
    for (const Stage stage : {Stage::kForward, Stage::kBackward, Stage::kBoth}) {
      for (const int threads : {1, 2}) {
        add(ball, {.stage = stage, .threads = threads, .level = level});
      }
    }
  }
}

}  // namespace
}  // namespace renderfm::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  renderfm::bench::add_ball();
  benchmark::AddCustomContext("simd_level", std::string(renderfm::simd_level_name(renderfm::simd_level())));
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
