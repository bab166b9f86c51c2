// The rasterizer, stage by stage. A name says scene, stage, SIMD level where one was asked for,
// views and threads.
#include <benchmark/benchmark.h>
#include <fmt/core.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/raster_ct_scenes.h"
#include "bench/raster_scenes.h"
#include "bench/raster_stages.h"
#include "renderfm/core/check.h"
#include "renderfm/core/cpu.h"
#include "renderfm/core/log.h"

namespace renderfm::bench {
namespace {

struct NamedScene {
  std::string name;
  std::function<Scene()> make;
  int named_size = 0;  ///< part of the benchmark's name where a scene is drawn in several sizes
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
  const std::string size = scene.named_size > 0 ? fmt::format("_{}", scene.named_size) : "";
  const std::string level = what.level.empty() ? "" : "/" + what.level;
  const std::string views = what.views > 1 ? fmt::format("/views:{}", what.views) : "";
  what.name = fmt::format("{}{}/{}{}{}/threads:{}", scene.name, size, stage_name(what.stage), level, views,
                          what.threads);
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

// One view and a batch of eight; levels and the training step in the small size only, for the sake of time.
void add_voxel_scenes(const std::string& ct_name, const std::function<CtVolume()>& make_ct) {
  for (const VoxelChoice& choice : voxel_choices()) {
    const auto make = [=] { return voxel_scene(make_ct(), choice); };
    for (const int size : {512, 1024}) {
      const NamedScene scene{choice.name + "_" + ct_name, make, size};
      for (const Stage stage : {Stage::kForward, Stage::kBackward}) {
        add(scene, {.stage = stage, .size = size, .threads = 1});
        add(scene, {.stage = stage, .size = size, .threads = 2});
        add(scene, {.stage = stage, .size = size, .views = 8, .threads = 2});
        if (size > 512) continue;
        for (const std::string& level : levels()) {
          if (level == simd_level_name(detect_simd_level())) continue;  // is the one without a name
          add(scene, {.stage = stage, .size = size, .threads = 2, .level = level});
        }
      }
      if (size == 512) add(scene, {.stage = Stage::kBoth, .size = size, .views = 8, .threads = 2});
    }
  }
}

void add_scans() {
  const char* const data = std::getenv("RENDERFM_TEST_DATA");
  const std::filesystem::path folder = data == nullptr ? "" : std::filesystem::path(data) / "ct";
  const auto with_scan = [&](const char* name, const auto& register_scan) {
    const std::filesystem::path path = folder / (std::string(name) + ".nii.gz");
    if (data == nullptr) {
      std::fprintf(stderr, "no benchmark on %s: RENDERFM_TEST_DATA is not set\n", name);
    } else if (!std::filesystem::exists(path)) {
      std::fprintf(stderr, "no benchmark on %s: there is no %s\n", name, path.c_str());
    } else {
      register_scan(path);
    }
  };
  with_scan("aorta_ct", [](const std::filesystem::path& path) {
    add_voxel_scenes("aorta_ct", [path] { return scan_ct(path); });
  });
  with_scan("example_ct", [](const std::filesystem::path& path) {
    const NamedScene example{"example_ct", [path] { return primed_scene(path); }};
    for (const Stage stage : {Stage::kFrame, Stage::kForward}) {
      for (const int threads : {1, 2}) add(example, {.stage = stage, .threads = threads});
    }
  });
}

}  // namespace
}  // namespace renderfm::bench

namespace {

// What a reader of the figures must know, beside device and commit, which scripts/bench.sh adds.
void add_conditions() {
  using namespace renderfm;
  benchmark::AddCustomContext("simd_level", std::string(simd_level_name(simd_level())));
  for (const bench::VoxelChoice& choice : bench::voxel_choices()) {
    std::string thresholds;
    for (const bench::Threshold& t : choice.thresholds) {
      thresholds +=
          fmt::format("{}HU > {}: opacity {}", thresholds.empty() ? "" : ", ", t.above_hu, t.opacity);
    }
    benchmark::AddCustomContext(choice.name, thresholds);
  }
  benchmark::AddCustomContext("phantom", fmt::format("procedural torso at {} mm", bench::kPhantomSpacing_mm));
  benchmark::AddCustomContext("aorta_ct", fmt::format("at {} mm", bench::kScanSpacing_mm));
}

}  // namespace

int main(int argc, char** argv) {
  // Less than Google Benchmark's own default, so that all of them take minutes; what the user says counts.
  std::string least = "--benchmark_min_time=0.3";
  std::vector<char*> arguments{argv[0], least.data()};
  arguments.insert(arguments.end(), argv + 1, argv + argc);
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 1;
  renderfm::set_verbosity(renderfm::Verbosity::kQuiet);
  renderfm::bench::add_ball();
  renderfm::bench::add_voxel_scenes("phantom", renderfm::bench::phantom_ct);
  renderfm::bench::add_scans();
  try {
    add_conditions();
  } catch (const renderfm::Error& error) {  // RENDERFM_SIMD asks for what this machine lacks
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
  benchmark::RunSpecifiedBenchmarks();
  renderfm::bench::current() = {};  // before statics that its end still needs
  benchmark::Shutdown();
  return 0;
}
