#include "bench/raster_stages.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>

#include "bench/raster_frame.h"
#include "raster/cpu/kernels.h"
#include "renderfm/core/parallel.h"
#include "renderfm/math/rng.h"
#include "renderfm/raster/camera_view.h"

namespace renderfm::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

constexpr const char* kLevelVariable = "RENDERFM_SIMD";

/// The level that the user of this program asked for, before any benchmark asked for another.
const std::optional<std::string>& users_level() {
  static const std::optional<std::string> level = [] {
    const char* const set = std::getenv(kLevelVariable);
    return set == nullptr ? std::nullopt : std::optional<std::string>(set);
  }();
  return level;
}

void use_level(const std::string& level) {
  const std::optional<std::string> wanted = level.empty() ? users_level() : level;
  if (wanted) {
    ::setenv(kLevelVariable, wanted->c_str(), 1);
  } else {
    ::unsetenv(kLevelVariable);
  }
}

}  // namespace

const char* stage_name(Stage stage) {
  switch (stage) {
    case Stage::kForward: return "forward";
    case Stage::kBackward: return "backward";
    case Stage::kBackwardAll: return "backward_all";
    case Stage::kFrame: return "frame";
    default: return "both";
  }
}

struct Stages::Seconds {
  double total = 0, zero = 0;
  raster::cpu::RenderStats render;
  raster::cpu::BackwardStats backward;
};

Stages::Stages(const Scene& scene, const Case& what) : what_(what), scene_(scene) {
  users_level();
  use_level(what.level);
  set_thread_count(what.threads);

  const auto pixels = static_cast<std::size_t>(what.size) * static_cast<std::size_t>(what.size);
  const auto view_count = static_cast<std::size_t>(what.views);
  views_ = test::views_of<float>(scene.cameras(what.views, what.size));
  planes_.resize(view_count * 5 * pixels);
  const bool undone = has_gradients(what.stage), all = what.stage == Stage::kBackwardAll;
  if (undone) {
    v_planes_.resize(planes_.size());
    Pcg32 random = Pcg32::from(5, 0);
    // Like that of an L1 loss.
    for (float& v : v_planes_) v = (random.next() & 1) != 0 ? 1.0f : -1.0f;
    v_gaussians_ = scene.gaussians;
    zero_gradients();
    v_poses_.resize(view_count);
  }
  for (std::size_t v = 0; v < view_count; ++v) {
    float* const p = planes_.data() + 5 * v * pixels;
    images_.push_back({p, p + pixels, p + 2 * pixels, p + 3 * pixels, p + 4 * pixels, what.size, what.size});
    if (!undone) continue;
    const float* const g = v_planes_.data() + 5 * v * pixels;
    v_images_.push_back({g, g + pixels, g + 2 * pixels, all ? g + 3 * pixels : nullptr,
                         all ? g + 4 * pixels : nullptr, what.size, what.size});
  }

  raster::cpu::RenderSettings counting;
  counting.count_pairs = true;
  counted_ = raster::cpu::render_views(scene.gaussians.pointers(), views_, images_, workspace_,
                                       undone ? &recording_ : nullptr, counting);
  Seconds ignored;
  if (undone) backward(ignored);
  if (what.stage == Stage::kFrame) {
    frame_ = frame(scene, scene.cameras(what.views, what.size));
    frame_();
  }
}

Stages::~Stages() {
  use_level("");
  set_thread_count(0);
}

void Stages::zero_gradients() {
  test::PlainGaussians<float>& v = v_gaussians_;
  for (std::vector<float>* values : {&v.position_mm, &v.sh, &v.opacity, &v.direction_mean, &v.chol}) {
    float* const data = values->data();
    parallel_for(0, static_cast<std::int64_t>(values->size()), 1 << 16,
                 [&](std::int64_t begin, std::int64_t end) { std::fill(data + begin, data + end, 0.0f); });
  }
}

void Stages::forward(bool recorded, Seconds& spent) {
  const raster::cpu::RenderStats stats = raster::cpu::render_views(
      scene_.gaussians.pointers(), views_, images_, workspace_, recorded ? &recording_ : nullptr);
  spent.render.preprocess_s += stats.preprocess_s;
  spent.render.order_s += stats.order_s;
  spent.render.tiles_s += stats.tiles_s;
  spent.render.blend_s += stats.blend_s;
}

void Stages::backward(Seconds& spent) {
  test::PlainGaussians<float>& v = v_gaussians_;
  const raster::GaussianGradientPointers<float> pointers{v.position_mm.data(), v.sh.data(), v.opacity.data(),
                                                         v.direction_mean.data(), v.chol.data()};
  const raster::cpu::BackwardStats stats = raster::cpu::backward_views(
      scene_.gaussians.pointers(), views_, recording_, v_images_, pointers, v_poses_, workspace_);
  spent.backward.blend_s += stats.blend_s;
  spent.backward.chain_s += stats.chain_s;
}

void Stages::run(benchmark::State& state) {
  use_level(what_.level);
  set_thread_count(what_.threads);
  Seconds spent;
  for (auto _ : state) {
    const Clock::time_point start = Clock::now();
    if (what_.stage == Stage::kForward || what_.stage == Stage::kBoth) {
      forward(what_.stage == Stage::kBoth, spent);
    }
    if (what_.stage == Stage::kFrame) frame_();
    if (what_.stage == Stage::kBoth) {
      const Clock::time_point zero_start = Clock::now();
      zero_gradients();
      spent.zero += seconds_since(zero_start);
    }
    if (has_gradients(what_.stage)) backward(spent);
    benchmark::ClobberMemory();
    spent.total += seconds_since(start);
  }
  set_counters(state, spent);
}

void Stages::set_counters(benchmark::State& state, const Seconds& spent) const {
  const auto per_iteration = [](double value) {
    return benchmark::Counter(value, benchmark::Counter::kAvgIterations);
  };
  const auto count = static_cast<double>(scene_.gaussians.count());
  state.counters["gaussians"] = count;
  state.counters["drawable"] = static_cast<double>(counted_.drawable);
  state.counters["entries"] = static_cast<double>(counted_.entries);
  state.counters["processed"] = static_cast<double>(counted_.processed);
  state.counters["contributing"] = static_cast<double>(counted_.contributing);
  const std::size_t pixels = planes_.size() / (5 * images_.size());
  std::int64_t covered = 0;
  for (const raster::ImagePointers<float>& image : images_) {
    covered += std::count_if(image.alpha, image.alpha + pixels, [](float alpha) { return alpha > 0; });
  }
  state.counters["covered_pixels"] = static_cast<double>(covered);
  // Of the wall time; per Gaussian and view, drawable or not.
  state.counters["ns_per_pair"] =
      per_iteration(spent.total * 1e9 / static_cast<double>(counted_.contributing));
  state.counters["ns_per_gaussian"] = per_iteration(spent.total * 1e9 / (count * what_.views));
  const auto stage_ms = [&](const char* name, double seconds) {
    state.counters[name] = per_iteration(seconds * 1e3);
  };
  if (what_.stage == Stage::kForward || what_.stage == Stage::kBoth) {
    stage_ms("preprocess_ms", spent.render.preprocess_s);
    stage_ms("order_ms", spent.render.order_s);
    stage_ms("tiles_ms", spent.render.tiles_s);
    stage_ms("blend_ms", spent.render.blend_s);
  }
  if (what_.stage == Stage::kBoth) stage_ms("zero_ms", spent.zero);
  if (has_gradients(what_.stage)) {
    stage_ms("backward_blend_ms", spent.backward.blend_s);
    stage_ms("backward_chain_ms", spent.backward.chain_s);
  }
  std::string label = raster::cpu::kernels<float>().name;
  if (has_gradients(what_.stage)) {
    label +=
        what_.stage == Stage::kBackwardAll ? ", gradients of rgb, alpha and depth" : ", gradients of rgb";
  }
  state.SetLabel(label);
}

}  // namespace renderfm::bench
