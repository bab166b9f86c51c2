// Path tracing: a view of a labelled scan in both light rigs and of the plain density twin, and what a change
// of the transfer function costs. Rates are of foreground samples: those of pixels that show the body.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "bench/pathtrace_scenes.h"
#include "renderfm/core/parallel.h"

namespace {

using renderfm::Camera;
using renderfm::bench::TracedScan;
using namespace renderfm::pathtrace;

constexpr int kSize = 256;

// Scans are made when the first benchmark that needs one runs, and kept.
const TracedScan* scan_named(const std::string& name, double spacing_mm) {
  static std::optional<TracedScan> scans[2][2];
  const bool phantom = name == "phantom", coarse = spacing_mm > 2;
  std::optional<TracedScan>& scan = scans[phantom ? 1 : 0][coarse ? 1 : 0];
  if (!scan) {
    scan = phantom ? renderfm::bench::phantom_scan(spacing_mm, "organs")
                   : renderfm::bench::example_scan(spacing_mm, "organs");
  }
  return scan ? &*scan : nullptr;
}

void trace(benchmark::State& state, const TracedScan& scan, const PathTracer& tracer, int samples) {
  const Camera camera = renderfm::orbit_camera(scan.sphere, 30, 10, kSize, kSize);
  double foreground = 0, variance = 0;
  for (auto _ : state) {
    Film film(kSize, kSize);
    tracer.add_samples(camera, film, samples);
    state.PauseTiming();
    const PathTraceImages images = resolve(film);
    foreground = 0;
    for (const float alpha : images.alpha) foreground += alpha > 0 ? 1.0 / (kSize * kSize) : 0.0;
    variance = 0;
    for (const float v : images.variance)
      variance += static_cast<double>(v) * samples / static_cast<double>(images.variance.size());
    state.ResumeTiming();
  }
  const double all = static_cast<double>(state.iterations()) * kSize * kSize * samples;
  state.counters["samples_per_s"] = benchmark::Counter(all, benchmark::Counter::kIsRate);
  state.counters["foreground_samples_per_s"] =
      benchmark::Counter(all * foreground, benchmark::Counter::kIsRate);
  state.counters["rate_over_variance"] = benchmark::Counter(all / variance, benchmark::Counter::kIsRate);
  state.counters["foreground"] = foreground;
  state.counters["variance_per_sample"] = variance;
}

void view(benchmark::State& state, const std::string& name, const std::string& rig, int samples) {
  const TracedScan* scan = scan_named(name, 1.5);
  if (scan == nullptr) return state.SkipWithError("needs the folder RENDERFM_TEST_DATA");
  PathTraceOptions options;
  options.rig = light_rig(rig);
  trace(state, *scan, PathTracer(scan->medium, options), samples);
}

void twin(benchmark::State& state, const std::string& name, SkySampling sampling) {
  const TracedScan* scan = scan_named(name, 3);
  if (scan == nullptr) return state.SkipWithError("needs the folder RENDERFM_TEST_DATA");
  PathTraceOptions options;
  options.max_scatters = 15;
  options.sky_sampling = sampling;
  trace(state, *scan, PathTracer(renderfm::bench::density_twin(*scan), options), 16);
}

void setup(benchmark::State& state, const std::string& name) {
  const TracedScan* scan = scan_named(name, 1.5);
  if (scan == nullptr) return state.SkipWithError("needs the folder RENDERFM_TEST_DATA");
  for (auto _ : state) benchmark::DoNotOptimize(PathTracer(scan->medium, {}).params(Camera{}).grid.cells);
  state.counters["voxels"] = static_cast<double>(scan->medium.geometry().voxel_count());
}

template <class Body, class... Args>
void add(const std::string& name, Body body, Args... args) {
  benchmark::RegisterBenchmark(("pathtrace/" + name).c_str(),
                               [=](benchmark::State& state) { body(state, args...); })
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}

}  // namespace

int main(int argc, char** argv) {
  for (const std::string scan : {"phantom", "example_ct"}) {
    add(scan + "/uniform/16_samples", view, scan, std::string("uniform"), 16);
    add(scan + "/studio/16_samples", view, scan, std::string("studio"), 16);
    add(scan + "/twin/escape", twin, scan, SkySampling::kEscape);
    add(scan + "/twin/shadow_rays", twin, scan, SkySampling::kShadowRay);
    add(scan + "/set_up", setup, scan);
  }
  benchmark::AddCustomContext(
      "pathtrace",
      "256 x 256 pixels, azimuth 30, elevation 10, transfer function organs, 1.5 mm; the "
      "twin is a density grid at 3 mm, isotropic, 15 scatters, constant sky");
  benchmark::AddCustomContext("pathtrace_threads", std::to_string(renderfm::thread_count()));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
