#include "renderfm/eval/evaluate.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <new>

#include "eval/peak_memory.h"
#include "eval/stored_result.h"
#include "renderfm/core/check.h"
#include "renderfm/core/log.h"
#include "renderfm/core/progress.h"
#include "renderfm/core/stop_watch.h"
#include "renderfm/data/case.h"
#include "renderfm/eval/organ_groups.h"
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
#include "renderfm/nn/device.h"
#include "renderfm/raster/rasterize.h"
#include "renderfm/tensor/one_torch_thread.h"
#include "renderfm/volume/labels.h"

namespace renderfm {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kWatchedViews = 4;
// A group of organs that fewer pixels of a view show is not judged in it.
constexpr double kLeastGroupShare = 1e-3;

bool uses_network(Method method) { return method == Method::kNetwork || method == Method::kFinetune; }

std::string organs_of(const data::CaseInfo& info) { return fmt::format("{}", fmt::join(info.organs, ",")); }

/// The scan of a case as the programs see it: the box that was path-traced.
struct LoadedCase {
  data::Case content;
  Scene scene;
  std::vector<PosedView> train, test;
  std::vector<torch::Tensor> organ_groups;  ///< of each test view, [H, W]; see organ_group_of_label()
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
  if (c.test_views.empty()) fail_input("{} has no held-out views to judge by", folder.string());
  loaded.scene = scene_of(c, Variant::kNone, 0);
  loaded.train = pictures(c.train_views);
  loaded.test = pictures(c.test_views);
  const Medium medium(loaded.scene.ct, loaded.scene.labels, c.tf,
                      select_organs(loaded.scene.labels, c.organs));
  const RayMarcher marcher(medium);
  const auto group_of_label = organ_group_of_label(loaded.scene.labels);
  for (const PosedView& view : loaded.test) {
    loaded.organ_groups.push_back(marcher.dominant(view.camera, group_of_label));
  }
  return loaded;
}

/// PSNR over the pixels that show most of each group of organs.
std::map<std::string, double> measure_groups(const torch::Tensor& image, const torch::Tensor& target,
                                             const torch::Tensor& groups) {
  std::map<std::string, double> values;
  const torch::Tensor foreground = foreground_pixels(target);
  std::uint8_t number = 0;
  for (const std::string& name : organ_group_names()) {
    const torch::Tensor mask = (groups == ++number).logical_and(foreground);
    const auto pixels = static_cast<double>(mask.sum().item<std::int64_t>());
    const bool enough = pixels >= kLeastGroupShare * static_cast<double>(mask.numel());
    values[organ_group_metric(name)] = enough ? masked_psnr(image, target, mask) : std::nan("");
  }
  return values;
}

/// The networks that the methods name, each read once.
class Networks {
 public:
  explicit Networks(std::string device) : device_(std::move(device)) {}

  /// Null for "".
  const Network* get(const std::string& path) {
    if (path.empty()) return nullptr;
    const auto found = networks_.find(path);
    if (found != networks_.end()) return &found->second;
    return &networks_.emplace(path, Network::load(path, pick_device(device_))).first->second;
  }
  std::string label(const std::string& path) { return path.empty() ? "none" : get(path)->label(); }

 private:
  std::string device_;
  std::map<std::string, Network> networks_;
};

class Runner {
 public:
  explicit Runner(const EvaluateOptions& options) : networks_(options.device) {
    for (const fs::path& file : options.lpips) lpips_.emplace_back(file);
    for (const MethodSpec& spec : options.methods) {
      if (!uses_network(spec.method)) continue;
      for (const auto* settings : all_settings(spec)) {
        if (spec.method == Method::kNetwork && settings->model.empty()) {
          fail_input("the method '{}' needs a checkpoint; give --model", spec.name);
        }
        networks_.get(settings->model);
      }
    }
  }

  /// What decides the numbers of a method; a result made under another is not silently reused.
  std::string describe(const MethodSpec& spec, const std::string& case_name) {
    const MethodSettings& s = spec.settings_for(case_name);
    std::string text = fmt::format("seed {}, at most {} Gaussians", s.seed, s.max_gaussians);
    const int steps = steps_of(spec.method, s);
    if (steps > 0) text += fmt::format(", {} steps", steps);
    if (is_per_scan(spec.method)) text += fmt::format(" from {} points", s.start_points);
    if (steps > 0 && s.density != Density::kAuto) {
      text += fmt::format(", density {}", density_name(s.density));
    }
    if (s.start != Start::kPrimed) text += ", start " + name_of(s.start);
    if (uses_network(spec.method)) text += ", model " + networks_.label(s.model);
    for (const Lpips& lpips : lpips_) text += ", " + lpips.name();
    return text;
  }

  CaseResult run(const LoadedCase& loaded, const MethodSpec& spec, const fs::path& folder) {
    log_info("{}: {}", loaded.content.name, spec.name);
    fs::create_directories(folder);
    CaseResult result;
    result.method = spec.name;
    result.case_name = loaded.content.name;
    result.width = loaded.content.width;
    result.height = loaded.content.height;
    PeakMemory peak;
    if (spec.method == Method::kDvr) {
      StopWatch watch;
      const Medium medium(loaded.scene.ct, loaded.scene.labels, loaded.content.tf,
                          select_organs(loaded.scene.labels, loaded.content.organs));
      const RayMarcher marcher(medium);
      result.preparation_s = watch.lap_s();
      draw(loaded, folder, result, [&](const Camera& camera) { return marcher.draw(camera); });
    } else {
      const GaussianSet gaussians = prepare(loaded, spec, folder, result);
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
  static std::vector<const MethodSettings*> all_settings(const MethodSpec& spec) {
    std::vector<const MethodSettings*> list{&spec.settings};
    for (const auto& [name, settings] : spec.of_case) list.push_back(&settings);
    return list;
  }

  GaussianSet prepare(const LoadedCase& loaded, const MethodSpec& spec, const fs::path& folder,
                      CaseResult& result) {
    const data::Case& content = loaded.content;
    const MethodSettings& settings = spec.settings_for(content.name);
    const Scene varied =
        spec.variant == Variant::kNone ? Scene{} : scene_of(content, spec.variant, settings.seed);
    const Scene& scene = spec.variant == Variant::kNone ? loaded.scene : varied;
    StopWatch watch;
    const GaussianSet predicted =
        predict(scene, content.tf, {content.organs, settings.max_gaussians, settings.start},
                uses_network(spec.method) ? networks_.get(settings.model) : nullptr)
            .gaussians;
    result.preparation_s = watch.lap_s();
    auto schedule = schedule_of(spec.method, settings);
    if (!schedule) return predicted;
    schedule->state_file = folder / "run.state";
    watch.lap_s();
    const GaussianSet begin = start_of(spec.method, predicted, settings);
    result.preparation_s += watch.lap_s();
    // All training views are learnt from and the last step counts: the views that judge choose nothing. Some
    // training views are drawn along the way, for the curve alone.
    schedule->keep_best = false;
    const auto watched = static_cast<std::ptrdiff_t>(std::min(kWatchedViews, loaded.train.size()));
    const ViewSplit split{loaded.train, {loaded.train.begin(), loaded.train.begin() + watched}};
    schedule->watched = fmt::format("{} training views", watched);
    const FinetuneResult tuned = finetune(begin, split, *schedule);
    result.optimisation_s = tuned.seconds;
    result.preparation_s += tuned.seconds;
    fs::remove(schedule->state_file);
    return tuned.gaussians;
  }

  template <class Draw>
  void draw(const LoadedCase& loaded, const fs::path& folder, CaseResult& result, const Draw& draw_view) {
    const OneTorchThread one_torch_thread;
    std::vector<double> frame_ms;
    Progress progress("held-out views", static_cast<std::int64_t>(loaded.test.size()));
    const auto add = [&](const std::map<std::string, double>& values) {
      for (const auto& [metric, value] : values) result.per_view[metric].push_back(value);
    };
    for (std::size_t v = 0; v < loaded.test.size(); ++v) {
      const PosedView& view = loaded.test[v];
      StopWatch watch;
      const torch::Tensor drawn = draw_view(view.camera);
      frame_ms.push_back(1000 * watch.lap_s());
      const torch::Tensor image = ((drawn.clamp(0, 1) * 255 + 0.5).floor() / 255).contiguous();
      write_png(image, folder / (view.name + ".png"));
      result.views.push_back(view.name);
      add(measure(image, view.srgb));
      add(measure_groups(image, view.srgb, loaded.organ_groups[v]));
      for (const Lpips& lpips : lpips_) add({{lpips.name(), lpips(image, view.srgb)}});
      progress.advance();
    }
    std::erase_if(result.per_view, [](const auto& metric) {
      return is_organ_group_metric(metric.first) &&
             std::all_of(metric.second.begin(), metric.second.end(), [](double v) { return std::isnan(v); });
    });
    if (frame_ms.size() > 1) frame_ms.erase(frame_ms.begin());
    std::nth_element(frame_ms.begin(), frame_ms.begin() + static_cast<std::ptrdiff_t>(frame_ms.size() / 2),
                     frame_ms.end());
    result.frame_ms = frame_ms[frame_ms.size() / 2];
  }

  Networks networks_;
  std::vector<Lpips> lpips_;
};

/// Those of the data set, or the named ones of them.
std::vector<fs::path> chosen_cases(const EvaluateOptions& options) {
  const std::vector<fs::path> all = data::find_cases(options.dataset);
  if (options.cases.empty()) return all;
  std::vector<fs::path> chosen;
  std::vector<std::string> names;
  for (const fs::path& folder : all) names.push_back(folder.filename().string());
  for (const std::string& name : options.cases) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      fail_input("{} holds no case '{}'; there are {}", options.dataset.string(), name,
                 fmt::format("{}", fmt::join(names, ", ")));
    }
    chosen.push_back(all[static_cast<std::size_t>(found - names.begin())]);
  }
  return chosen;
}

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

Evaluation evaluate(const EvaluateOptions& options) {
  Runner runner(options);
  Evaluation evaluation;
  for (const fs::path& folder : chosen_cases(options)) {
    const data::CaseInfo info = data::read_case_info(folder);
    const std::string tf = load_transfer_function((folder / "tf.yaml").string()).name;
    std::optional<LoadedCase> loaded;
    for (const MethodSpec& spec : options.methods) {
      if (!applies(spec.variant, info)) {
        log_info("{}: {} is left out, it would be the case itself", info.name, spec.name);
        continue;
      }
      const fs::path out = options.out / "cases" / info.name / spec.name;
      const std::string settings = runner.describe(spec, info.name);
      auto result = stored_result(out / "result.json", settings);
      if (result) {
        if (!options.stored_only) log_info("{}: {} is there", info.name, spec.name);
      } else if (options.stored_only) {
        continue;
      } else {
        if (!loaded) loaded = load(folder);
        // One that shows nothing of this scan, or does not fit into memory, does not end the others.
        std::string reason;
        try {
          result = runner.run(*loaded, spec, out);
          result->settings = settings;
          store_result(*result, out / "result.json");
        } catch (const Error& error) {
          reason = error.what();
        } catch (const c10::Error& error) {
          reason = error.what_without_backtrace();
        } catch (const std::bad_alloc&) {
          reason = "out of memory; fewer --max-gaussians need less";
        }
        if (!reason.empty()) {
          log_warning("{}: {} failed: {}", info.name, spec.name, reason);
          evaluation.failures.push_back({spec.name, info.name, reason});
          continue;
        }
      }
      result->tf = tf;
      result->tf_family = info.tf_family;
      result->organs = organs_of(info);
      evaluation.results.push_back(std::move(*result));
    }
  }
  return evaluation;
}

}  // namespace renderfm
