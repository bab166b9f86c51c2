#include "renderfm/eval/evaluate.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "eval/peak_memory.h"
#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/core/log.h"
#include "renderfm/core/progress.h"
#include "renderfm/core/stop_watch.h"
#include "renderfm/core/version.h"
#include "renderfm/data/case.h"
#include "renderfm/eval/ray_march.h"
#include "renderfm/gaussian/ply.h"
#include "renderfm/image/edge_error.h"
#include "renderfm/image/flip.h"
#include "renderfm/image/image_io.h"
#include "renderfm/image/lpips.h"
#include "renderfm/image/ms_ssim.h"
#include "renderfm/image/psnr.h"
#include "renderfm/image/ssim.h"
#include "renderfm/model/predictor.h"
#include "renderfm/raster/rasterize.h"
#include "renderfm/tensor/one_torch_thread.h"
#include "renderfm/volume/labels.h"

namespace renderfm {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::size_t kWatchedViews = 4;

/// What decides the numbers of a method; a result made under another is not silently reused.
std::string settings_of(Method method, const EvaluateOptions& options) {
  const BaselineOptions& b = options.baselines;
  std::string text = fmt::format("seed {}, at most {} Gaussians", b.seed, b.max_gaussians);
  if (method == Method::kFinetune) text += fmt::format(", {} steps", b.finetune_steps);
  if (method == Method::k6dgs || method == Method::k6dgsAgp || method == Method::k3dgsAgp) {
    text += fmt::format(", {} steps from {} points", b.full_steps, b.start_points);
  }
  if (method == Method::kNetwork || method == Method::kFinetune) {
    text += ", model " + (options.network != nullptr ? options.network->plan().name : std::string("none"));
  }
  for (const fs::path& file : options.lpips) text += ", " + file.filename().string();
  return text;
}

Json to_json(const CaseResult& result, const std::string& settings) {
  return {{"method", result.method},
          {"case", result.case_name},
          {"settings", settings},
          {"program", std::string(build_info().version) + " " + std::string(build_info().commit)},
          {"views", result.views},
          {"per_view", result.per_view},
          {"preparation_s", result.preparation_s},
          {"frame_ms", result.frame_ms},
          {"megabytes", result.megabytes},
          {"peak_memory_mb", result.peak_memory_mb},
          {"gaussians", result.gaussians},
          {"width", result.width},
          {"height", result.height}};
}

std::optional<CaseResult> stored_result(const fs::path& file, const std::string& settings) {
  std::ifstream stream(file);
  if (!stream) return std::nullopt;
  try {
    const Json json = Json::parse(stream);
    if (json.at("settings") != settings) {
      fail_input("{} was made with '{}', now '{}' is asked for; choose another --out or delete it",
                 file.string(), json.at("settings").get<std::string>(), settings);
    }
    CaseResult result;
    json.at("method").get_to(result.method);
    json.at("case").get_to(result.case_name);
    json.at("views").get_to(result.views);
    // JSON has no number for "no number": a black view's foreground PSNR.
    for (const auto& [metric, values] : json.at("per_view").items()) {
      for (const Json& value : values) {
        result.per_view[metric].push_back(value.is_null() ? std::nan("") : value.get<double>());
      }
    }
    json.at("preparation_s").get_to(result.preparation_s);
    json.at("frame_ms").get_to(result.frame_ms);
    json.at("megabytes").get_to(result.megabytes);
    json.at("peak_memory_mb").get_to(result.peak_memory_mb);
    json.at("gaussians").get_to(result.gaussians);
    json.at("width").get_to(result.width);
    json.at("height").get_to(result.height);
    return result;
  } catch (const Json::exception& error) {
    fail_input("{} cannot be read: {}; delete it to measure anew", file.string(), error.what());
  }
}

/// The scan of a case as the programs see it: the box that was path-traced.
struct LoadedCase {
  data::Case content;
  Scene scene;
  std::vector<PosedView> train, test;
};

std::vector<PosedView> pictures(const std::vector<data::View>& views) {
  std::vector<PosedView> posed;
  for (const data::View& view : views) posed.push_back({view.camera, read_png(view.image), view.name});
  return posed;
}

LoadedCase load(const fs::path& folder) {
  LoadedCase loaded;
  loaded.content = data::load_case(folder);
  const data::Case& c = loaded.content;
  loaded.scene.ct = crop(c.ct, c.box);
  loaded.scene.labels = crop(c.labels_volume, c.box);
  loaded.train = pictures(c.train_views);
  loaded.test = pictures(c.test_views);
  return loaded;
}

class Evaluation {
 public:
  explicit Evaluation(const EvaluateOptions& options) : options_(options) {
    for (const fs::path& file : options.lpips) lpips_.emplace_back(file);
  }

  CaseResult run(const LoadedCase& loaded, Method method, const fs::path& folder) {
    log_info("{}: {}", loaded.content.name, method_name(method));
    fs::create_directories(folder);
    CaseResult result;
    result.method = method_name(method);
    result.case_name = loaded.content.name;
    result.width = loaded.content.width;
    result.height = loaded.content.height;
    PeakMemory peak;
    if (method == Method::kDvr) {
      StopWatch watch;
      const Medium medium(loaded.scene.ct, loaded.scene.labels, loaded.content.tf,
                          select_organs(loaded.scene.labels, loaded.content.organs));
      const RayMarcher marcher(medium);
      result.preparation_s = watch.lap_s();
      draw(loaded, folder, result, [&](const Camera& camera) { return marcher.draw(camera); });
    } else {
      const GaussianSet gaussians = prepare(loaded, method, folder, result.preparation_s);
      const fs::path ply = folder / "gaussians.ply";
      write_ply(gaussians, ply);
      result.gaussians = gaussians.size();
      result.megabytes = static_cast<double>(fs::file_size(ply)) / 1e6;
      const torch::NoGradGuard no_grad;
      draw(loaded, folder, result,
           [&](const Camera& camera) { return raster::rasterize(gaussians, {camera}).rgb[0]; });
    }
    result.peak_memory_mb = peak.megabytes();
    return result;
  }

 private:
  GaussianSet prepare(const LoadedCase& loaded, Method method, const fs::path& folder, double& seconds) {
    const bool uses_network = method == Method::kNetwork || method == Method::kFinetune;
    StopWatch watch;
    const GaussianSet predicted =
        predict(loaded.scene, loaded.content.tf, {loaded.content.organs, options_.baselines.max_gaussians},
                uses_network ? options_.network : nullptr)
            .gaussians;
    seconds = watch.lap_s();
    auto schedule = schedule_of(method, options_.baselines);
    if (!schedule) return predicted;
    schedule->state_file = folder / "run.state";
    watch.lap_s();
    const GaussianSet begin = start_of(method, predicted, options_.baselines);
    seconds += watch.lap_s();
    // All training views are learnt from and the last step counts: the views that judge choose nothing. Some
    // training views are drawn along the way, for the curve alone.
    schedule->keep_best = false;
    const auto watched = static_cast<std::ptrdiff_t>(std::min(kWatchedViews, loaded.train.size()));
    const ViewSplit split{loaded.train, {loaded.train.begin(), loaded.train.begin() + watched}};
    const FinetuneResult tuned = finetune(begin, split, *schedule);
    seconds += tuned.seconds;
    fs::remove(schedule->state_file);
    return tuned.gaussians;
  }

  template <class Draw>
  void draw(const LoadedCase& loaded, const fs::path& folder, CaseResult& result, const Draw& draw_view) {
    const OneTorchThread one_torch_thread;
    std::vector<double> frame_ms;
    Progress progress("held-out views", static_cast<std::int64_t>(loaded.test.size()));
    for (const PosedView& view : loaded.test) {
      StopWatch watch;
      const torch::Tensor drawn = draw_view(view.camera);
      frame_ms.push_back(1000 * watch.lap_s());
      const torch::Tensor image = ((drawn.clamp(0, 1) * 255 + 0.5).floor() / 255).contiguous();
      write_png(image, folder / (view.name + ".png"));
      result.views.push_back(view.name);
      for (const auto& [metric, value] : measure(image, view.srgb)) result.per_view[metric].push_back(value);
      for (const Lpips& lpips : lpips_) result.per_view[lpips.name()].push_back(lpips(image, view.srgb));
      progress.advance();
    }
    if (frame_ms.size() > 1) frame_ms.erase(frame_ms.begin());
    std::nth_element(frame_ms.begin(), frame_ms.begin() + static_cast<std::ptrdiff_t>(frame_ms.size() / 2),
                     frame_ms.end());
    result.frame_ms = frame_ms[frame_ms.size() / 2];
  }

  const EvaluateOptions& options_;
  std::vector<Lpips> lpips_;
};

}  // namespace

const std::map<std::string, bool>& metric_directions() {
  static const std::map<std::string, bool> directions{{"PSNR", true},  {"foreground PSNR", true},
                                                      {"SSIM", true},  {"MS-SSIM", true},
                                                      {"FLIP", false}, {"edge error", false}};
  return directions;
}

std::map<std::string, double> measure(const torch::Tensor& image, const torch::Tensor& target) {
  const torch::Tensor a = image.unsqueeze(0), b = target.unsqueeze(0);
  std::map<std::string, double> values{{"PSNR", psnr_db(a, b).item<double>()},
                                       {"SSIM", ssim(a, b).item<double>()},
                                       {"FLIP", flip(target, image)},
                                       {"edge error", edge_error(image, target)},
                                       {"foreground PSNR", foreground_psnr(image, target)}};
  if (std::min(image.size(1), image.size(2)) >= kMsSsimMinSide) values["MS-SSIM"] = ms_ssim(image, target);
  return values;
}

std::vector<CaseResult> evaluate(const EvaluateOptions& options) {
  Evaluation evaluation(options);
  std::vector<CaseResult> results;
  for (const fs::path& folder : data::find_cases(options.dataset)) {
    std::optional<LoadedCase> loaded;
    for (const Method method : options.methods) {
      if (method == Method::kNetwork && options.network == nullptr) {
        fail_input("the method 'network' needs a checkpoint; give --model");
      }
      const fs::path out = options.out / "cases" / folder.filename() / method_name(method);
      const std::string settings = settings_of(method, options);
      if (auto stored = stored_result(out / "result.json", settings)) {
        log_info("{}: {} is there", folder.filename().string(), method_name(method));
        results.push_back(std::move(*stored));
        continue;
      }
      if (!loaded) loaded = load(folder);
      if (loaded->test.empty()) fail_input("{} has no held-out views to judge by", folder.string());
      results.push_back(evaluation.run(*loaded, method, out));
      AtomicFile file(out / "result.json");
      file.write(to_json(results.back(), settings).dump(1) + "\n");
      file.commit();
    }
  }
  return results;
}

}  // namespace renderfm
