// The forward rasterizer on a ball of Gaussians. Every benchmark reports what it drew beside the time.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "raster/cpu/kernels.h"
#include "raster/cpu/render_cpu.h"
#include "renderfm/core/parallel.h"
#include "renderfm/gaussian/layout.h"
#include "renderfm/raster/camera_view.h"

namespace renderfm::raster {
namespace {

struct Scene {
  std::vector<float> position_mm, sh, opacity, direction_mean, chol;
  GaussianPointers pointers() const {
    return {position_mm.data(),
            sh.data(),
            opacity.data(),
            direction_mean.data(),
            chol.data(),
            static_cast<std::int64_t>(opacity.size()),
            0.35f,
            true};
  }
};

constexpr double kBallRadius = 0.5, kDistance = 2.0;

/// `count` Gaussians uniform in a ball, isotropic, the same from every side (A = 1e4 I, B = 0).
Scene ball(std::int64_t count, float scale, float opacity) {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> coordinate(-1, 1), colour(-1, 1);
  Scene scene;
  while (static_cast<std::int64_t>(scene.opacity.size()) < count) {
    const float x = coordinate(random), y = coordinate(random), z = coordinate(random);
    if (x * x + y * y + z * z > 1) continue;
    for (const float value : {x, y, z}) scene.position_mm.push_back(value * static_cast<float>(kBallRadius));
    for (int i = 0; i < layout::kShCount; ++i)
      scene.sh.push_back(i < 3 ? colour(random) : 0.1f * colour(random));
    scene.opacity.push_back(opacity);
    for (int i = 0; i < 3; ++i) scene.direction_mean.push_back(0);
    for (int row = 0; row < 6; ++row) {
      for (int column = 0; column <= row; ++column) {
        scene.chol.push_back(row != column ? 0.0f : (row < 3 ? 1e4f : scale));
      }
    }
  }
  return scene;
}

Camera camera_before_ball(int size) {
  Camera camera;
  camera.width = camera.height = size;
  camera.fx = camera.fy = 1.4 * size;
  camera.cx = camera.cy = 0.5 * size;
  camera.position_mm = {0, 0, -kDistance};
  return camera;
}

void forward(benchmark::State& state, std::int64_t count, float scale, float opacity, int size) {
  set_thread_count(static_cast<int>(state.range(0)));
  const Scene scene = ball(count, scale, opacity);
  const View<float> view = make_view<float>(camera_before_ball(size));
  const auto pixels = static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
  std::vector<float> planes(5 * pixels);
  const ImagePointers image{planes.data(),
                            planes.data() + pixels,
                            planes.data() + 2 * pixels,
                            planes.data() + 3 * pixels,
                            planes.data() + 4 * pixels,
                            size,
                            size};
  cpu::Workspace workspace;
  cpu::RenderStats total;
  const cpu::RenderStats counted = cpu::render_view(scene.pointers(), view, image, workspace, true);
  for (auto _ : state) {
    const cpu::RenderStats stats = cpu::render_view(scene.pointers(), view, image, workspace);
    total.preprocess_s += stats.preprocess_s;
    total.order_s += stats.order_s;
    total.tiles_s += stats.tiles_s;
    total.blend_s += stats.blend_s;
    benchmark::DoNotOptimize(planes.data());
  }
  set_thread_count(0);
  const auto mean_ms = [&](double seconds) {
    return benchmark::Counter(seconds * 1e3, benchmark::Counter::kAvgIterations);
  };
  state.SetLabel(cpu::kernels().name);
  state.counters["gaussians"] = static_cast<double>(count);
  state.counters["drawable"] = static_cast<double>(counted.drawable);
  state.counters["entries"] = static_cast<double>(counted.entries);
  state.counters["processed"] = static_cast<double>(counted.processed);
  state.counters["contributing"] = static_cast<double>(counted.contributing);
  state.counters["preprocess_ms"] = mean_ms(total.preprocess_s);
  state.counters["order_ms"] = mean_ms(total.order_s);
  state.counters["tiles_ms"] = mean_ms(total.tiles_s);
  state.counters["blend_ms"] = mean_ms(total.blend_s);
  const double total_s = total.preprocess_s + total.order_s + total.tiles_s + total.blend_s;
  state.counters["ns_per_pair"] = benchmark::Counter(
      total_s * 1e9 / static_cast<double>(counted.contributing), benchmark::Counter::kAvgIterations);
}

// 100 000 Gaussians of scale 0.008 and opacity 0.3: the scene that other CPU rasterizers were measured on.
BENCHMARK_CAPTURE(forward, ball_100k, 100'000, 0.008f, 0.3f, 512)
    ->Name("ball_100k/forward")
    ->ArgName("threads")
    ->Arg(1)
    ->Arg(2)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
// A million at a CT's density: mostly hidden behind the first few layers.
BENCHMARK_CAPTURE(forward, ball_1m, 1'000'000, 0.005f, 0.9f, 512)
    ->Name("ball_1m/forward")
    ->ArgName("threads")
    ->Arg(1)
    ->Arg(2)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
// The same, translucent.
BENCHMARK_CAPTURE(forward, ball_1m_translucent, 1'000'000, 0.005f, 0.03f, 512)
    ->Name("ball_1m_translucent/forward")
    ->ArgName("threads")
    ->Arg(1)
    ->Arg(2)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace renderfm::raster

BENCHMARK_MAIN();
