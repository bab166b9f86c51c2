#include "common/path_tracing.h"

#include <torch/types.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>

#include "common/unfinished_views.h"
#include "renderfm/core/check.h"
#include "renderfm/core/log.h"
#include "renderfm/core/progress.h"
#include "renderfm/image/denoise.h"
#include "renderfm/image/pfm.h"
#include "renderfm/math/rng.h"
#include "renderfm/model/scene_medium.h"
#include "renderfm/pathtrace/cuda_device.h"
#include "renderfm/pathtrace/film.h"
#include "renderfm/pathtrace/path_tracer.h"

namespace renderfm::tools {
namespace {

namespace fs = std::filesystem;
using pathtrace::Film;
using pathtrace::PathTracer;

constexpr int kDenoisedSamples = 64,
              kRawSamples = 256;  // of one quality: about 42 dB (see PATHTRACER's table)
constexpr int kMostSamplesForNoise = 4096;
constexpr std::int64_t kPathsPerStep = 1 << 19;  // a second or two between two words of progress
constexpr int kUnitsPerView = 100;               // of progress

using Clock = std::chrono::steady_clock;

torch::Tensor planes(const std::vector<float>& values, int height, int width) {
  const auto channels =
      static_cast<std::int64_t>(values.size()) / (static_cast<std::int64_t>(height) * width);
  return torch::from_blob(const_cast<float*>(values.data()), {channels, height, width}, torch::kFloat32)
      .clone();
}

double noise_db_of(const Film& film) {
  return -20 * std::log10(std::max(pathtrace::noise_rmse(film), 1e-10));
}

/// Whether to denoise: as asked, or where the library is found.
bool choose_denoising(const PathTracingOptions& options) {
  if (options.no_denoise) return false;
  const DenoiserStatus status = denoiser_status();
  if (status.available) return true;
  if (options.denoise) fail_runtime("{}", status.reason);
  log_info("the pictures keep their noise: {}", status.reason);
  return false;
}

pathtrace::StopRule stop_rule(const PathTracingOptions& options, bool denoised) {
  pathtrace::StopRule rule;
  rule.noise_rmse = options.noise_db > 0 ? std::pow(10, -options.noise_db / 20) : 0;
  const int chosen =
      options.noise_db > 0 ? kMostSamplesForNoise : (denoised ? kDenoisedSamples : kRawSamples);
  rule.max_samples = options.samples > 0 ? options.samples : chosen;
  return rule;
}

/// The tracer of one scan, transfer function and rig, on the device asked for.
PathTracer make_tracer(const Medium& medium, const PathTracingOptions& options, const ScanOptions& scan,
                       std::uint64_t seed) {
  pathtrace::PathTraceOptions trace;
  trace.rig = pathtrace::light_rig(options.rig);
  trace.seed = seed;
  PathTracer tracer(medium, trace);
  if (scan.device == "cuda" || (scan.device == "auto" && pathtrace::why_no_cuda_device().empty())) {
    tracer.run_on(pathtrace::make_cuda_device(tracer));
  }
  return tracer;
}

/// Draws views and keeps what is needed to go on after a kill.
class ViewTracer {
 public:
  ViewTracer(const PathTracingOptions& options, UnfinishedViews& unfinished, Progress& progress)
      : options_(options),
        denoised_(choose_denoising(options)),
        rule_(stop_rule(options, denoised_)),
        unfinished_(unfinished),
        progress_(progress) {}

  bool denoised() const { return denoised_; }
  const pathtrace::StopRule& rule() const { return rule_; }

  /// -> display-referred [3, H, W], or undefined where an earlier run has drawn it.
  torch::Tensor draw(const PathTracer& tracer, const PlannedView& view) {
    const std::uint64_t key = hash64(
        tracer.identity(view.camera), static_cast<std::uint64_t>(rule_.max_samples),
        std::bit_cast<std::uint64_t>(rule_.noise_rmse), (denoised_ ? 1U : 0U) + (options_.pfm ? 2U : 0U));
    if (unfinished_.is_drawn(view, key)) {
      progress_.skip(kUnitsPerView);
      return {};
    }
    const auto start = Clock::now();
    const Film film = trace(tracer, view);
    const auto traced = Clock::now();
    const pathtrace::PathTraceImages images = pathtrace::resolve(film);
    const int width = images.width, height = images.height;
    report(view, film, images);
    torch::Tensor rgb_linear = planes(images.rgb_linear, height, width);
    if (denoised_) {
      rgb_linear =
          denoise(rgb_linear, {planes(images.albedo, height, width), planes(images.normal, height, width)});
    }
    const auto seconds = [](Clock::duration d) { return std::chrono::duration<double>(d).count(); };
    log_debug("{}: traced in {:.2f} s, finished in {:.2f} s", view.stem.filename().string(),
              seconds(traced - start), seconds(Clock::now() - traced));
    if (options_.pfm) write_pfm(rgb_linear, view.stem.string() + ".pfm");
    const std::vector<float> values(rgb_linear.const_data_ptr<float>(),
                                    rgb_linear.const_data_ptr<float>() + rgb_linear.numel());
    return planes(pathtrace::encode_srgb(values), height, width);
  }

 private:
  Film trace(const PathTracer& tracer, const PlannedView& view) {
    const int wanted = pathtrace::planned_samples(tracer, view.camera, rule_);
    Film film = unfinished_.load_film(view, tracer.identity(view.camera), wanted);
    const std::int64_t pixels = static_cast<std::int64_t>(film.width()) * film.height();
    const int step = static_cast<int>(std::clamp<std::int64_t>(kPathsPerStep / pixels, 1, 64));
    int told = static_cast<int>(kUnitsPerView * film.samples() / wanted);
    progress_.skip(told);
    const auto tell = [&] {
      const int units = static_cast<int>(kUnitsPerView * film.samples() / wanted);
      progress_.advance(units - told);
      told = units;
    };
    auto saved = Clock::now();
    while (film.samples() < wanted) {
      tracer.add_samples(view.camera, film, std::min<int>(step, wanted - static_cast<int>(film.samples())));
      tell();
      const bool finished = film.samples() >= wanted;
      if (!finished && Clock::now() - saved >= std::chrono::duration<double>(options_.save_every_s)) {
        unfinished_.save_film(view, film);
        saved = Clock::now();
      }
    }
    unfinished_.finish_film(view, film);
    return film;
  }

  void report(const PlannedView& view, const Film& film, const pathtrace::PathTraceImages& images) const {
    const std::string name = view.stem.filename().string();
    if (film.samples() >= 2 && film.samples() % 2 == 0) {
      log_debug("{}: {} samples a pixel, noise at {:.1f} dB{}", name, film.samples(), noise_db_of(film),
                denoised_ ? " before denoising" : "");
    }
    if (rule_.noise_rmse > 0 && film.samples() >= rule_.max_samples) {
      log_warning("{}: {} samples a pixel do not reach {:.1f} dB; more are allowed by --samples", name,
                  film.samples(), options_.noise_db);
    }
    if (std::all_of(images.alpha.begin(), images.alpha.end(), [](float a) { return a == 0; })) {
      log_warning("{}: nothing of the scan is in view", name);
    }
  }

  const PathTracingOptions& options_;
  bool denoised_;
  pathtrace::StopRule rule_;
  UnfinishedViews& unfinished_;
  Progress& progress_;
};

}  // namespace

void add_path_tracing_options(CLI::App& app, PathTracingOptions& options) {
  const std::string group = "Path tracing";
  auto* const on =
      app.add_flag("--path-trace", options.enabled,
                   "Trace light through the CT itself: the reference picture, in seconds to minutes")
          ->group(group);
  const auto add = [&](CLI::Option* option) {
    option->group(group)->needs(on);
    return option;
  };
  add(app.add_option("--samples", options.samples,
                     "Paths a pixel; by default 64 with denoising, 256 without, up to 4096 with --noise")
          ->default_str("")
          ->check(CLI::Range(2, 1 << 20).description("")));
  add(app.add_option("--noise", options.noise_db,
                     "Trace until the noise is this many dB (PSNR) below white, before denoising: 40 is good")
          ->default_str("")
          ->check(CLI::Range(10.0, 80.0).description("")));
  add(app.add_option(
      "--rig", options.rig,
      "Light: uniform (a white sky), studio (sky and a key light), headlight, or a YAML file"));
  auto* const denoise =
      add(app.add_flag("--denoise", options.denoise,
                       "Denoise with Open Image Denoise, as is the default where it is installed"));
  add(app.add_flag("--no-denoise", options.no_denoise, "Leave the noise in"))->excludes(denoise);
  add(app.add_flag("--pfm", options.pfm, "Write linear light as 32-bit floats too, to OUT.pfm"));
  add(app.add_option("--save-every", options.save_every_s,
                     "Seconds between two savings of what an unfinished picture has, to go on after a kill")
          ->check(CLI::Range(0.0, 1e6).description("")));
  for (const char* const other : {"--model", "--max-gaussians"}) on->excludes(app.get_option(other));
}

void path_trace_pictures(const std::string& ct, const fs::path& out, const ScanOptions& scan,
                         const PictureOptions& picture_options, const PathTracingOptions& options,
                         std::uint64_t seed) {
  if (is_gaussian_file(ct)) {
    fail_input(
        "--path-trace needs a CT: {} holds Gaussians, which have no tissue to trace light through; name the "
        "scan that they were made from",
        ct);
  }
  UnfinishedViews unfinished(out);
  const Pictures pictures(picture_options, out, unfinished.continuing());
  const TransferFunctionChoice choice(scan);
  Progress progress("path tracing", kUnitsPerView * pictures.view_count(choice.size()));
  ViewTracer views(options, unfinished, progress);
  pathtrace::light_rig(options.rig);  // a mistake in it is told before a scan is read
  if (scan.device == "cuda" && !pathtrace::why_no_cuda_device().empty()) {
    fail_runtime("cannot trace paths on a GPU: {}; use --device cpu or --device auto",
                 pathtrace::why_no_cuda_device());
  }
  const Scene scene = load_scene(ct, scan, nullptr);
  const std::vector<TransferFunction> functions = choice.resolve(scene);
  log_info("path tracing: {}{} samples a pixel, {} light, {}", options.noise_db > 0 ? "up to " : "",
           views.rule().max_samples, options.rig,
           views.denoised() ? "denoised by Open Image Denoise " + denoiser_status().version : "not denoised");
  pictures.draw(functions.size(), [&](std::size_t n) {
    const SceneMedium shown = make_scene_medium(scene, functions[n], scan.organs);
    const auto tracer = std::make_shared<const PathTracer>(make_tracer(shown.medium, options, scan, seed));
    Subject subject{functions[n].name, shown.sphere,
                    [&views, tracer](const PlannedView& view) { return views.draw(*tracer, view); }};
    subject.written = [&unfinished](const PlannedView& view) { unfinished.written(view); };
    return subject;
  });
  unfinished.finish();
}

}  // namespace renderfm::tools
