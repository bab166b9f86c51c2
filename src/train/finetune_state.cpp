#include "train/finetune_state.h"

#include <fmt/core.h>
#include <torch/serialize.h>

#include <bit>
#include <fstream>
#include <sstream>

#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/math/rng.h"
#include "renderfm/tensor/check_tensor.h"

namespace renderfm {
namespace {

constexpr std::int64_t kVersion = 1;
// The tensors of the file in order.
enum Slot {
  kWhole,
  kReal,
  kUnknownsSlot,
  kFirst,
  kSecond,
  kSteps,
  kLabel,
  kBest,
  kBestLabel,
  kSums,
  kCurve,
  kSlots
};

torch::Tensor or_empty(const torch::Tensor& tensor) { return tensor.defined() ? tensor : torch::empty({0}); }
torch::Tensor or_undefined(const torch::Tensor& tensor) {
  return tensor.numel() > 0 ? tensor : torch::Tensor();
}

class Hash {
 public:
  void add(std::uint64_t value) { hash_ = mix64(hash_ ^ value) + 0x9E3779B97F4A7C15ull; }
  void add(double value) { add(std::bit_cast<std::uint64_t>(value)); }
  void add(const torch::Tensor& tensor) {
    if (!tensor.defined()) return add(std::uint64_t{0});
    const torch::Tensor plain = tensor.detach().to(torch::kCPU).contiguous();
    const auto* bytes = static_cast<const unsigned char*>(plain.const_data_ptr());
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < plain.nbytes(); ++i) {
      word = word << 8 | bytes[i];
      if (i % 8 == 7) add(word);
    }
    add(word);
    add(static_cast<std::uint64_t>(plain.nbytes()));
  }
  void add(const Camera& camera) {
    for (const double value : {camera.fx, camera.fy, camera.cx, camera.cy}) add(value);
    for (int row = 0; row < 3; ++row) {
      add(camera.position_mm[row]);
      for (int column = 0; column < 3; ++column) add(camera.rotation[row][column]);
    }
  }
  std::int64_t value() const { return static_cast<std::int64_t>(hash_); }

 private:
  std::uint64_t hash_ = 0;
};

}  // namespace

std::int64_t fingerprint(const GaussianSet& start, const ViewSplit& views, const FinetuneOptions& o) {
  Hash hash;
  for (const torch::Tensor* tensor :
       {&start.position_mm, &start.sh, &start.opacity, &start.direction_mean, &start.chol, &start.label}) {
    hash.add(*tensor);
  }
  for (const auto* side : {&views.train, &views.held_out}) {
    for (const PosedView& view : *side) {
      hash.add(view.camera);
      hash.add(view.srgb);
    }
  }
  const GaussianRates& r = o.rates;
  for (const double value : {static_cast<double>(o.steps),
                             o.minutes,
                             r.position,
                             r.sh_constant,
                             r.sh_linear,
                             r.opacity_logit,
                             r.direction_mean,
                             r.direction_chol,
                             r.shift,
                             r.log_scale,
                             r.shear,
                             o.last_rate,
                             o.last_position_rate,
                             o.l1_weight,
                             o.ssim_weight,
                             o.coarse_share,
                             static_cast<double>(o.evaluations),
                             static_cast<double>(o.patience),
                             static_cast<double>(o.keep_best),
                             o.resting_share}) {
    hash.add(value);
  }
  hash.add(o.seed);
  if (o.densify) {
    const DensifyOptions& d = *o.densify;
    for (const double value :
         {static_cast<double>(d.first_step), static_cast<double>(d.last_step), static_cast<double>(d.every),
          d.gradient, d.largest_clone, d.least_opacity, d.largest, static_cast<double>(d.lower_opacity_every),
          d.lowered_opacity, static_cast<double>(d.max_gaussians)}) {
      hash.add(value);
    }
  }
  if (o.mcmc) {
    const McmcOptions& m = *o.mcmc;
    for (const double value : {static_cast<double>(m.first_step), static_cast<double>(m.last_step),
                               static_cast<double>(m.every), m.growth, m.least_opacity, m.noise,
                               m.opacity_weight, m.scale_weight, static_cast<double>(m.max_gaussians)}) {
      hash.add(value);
    }
  }
  return hash.value();
}

void save_state(const FinetuneState& s, const std::filesystem::path& path) {
  std::vector<torch::Tensor> slots(kSlots);
  slots[kWhole] = torch::tensor({kVersion, s.fingerprint, std::int64_t{s.step}, std::int64_t{s.best_step},
                                 std::int64_t{s.stale_evaluations}, std::int64_t{s.stopped_early}},
                                torch::kInt64);
  slots[kReal] =
      torch::tensor({s.seconds, s.psnr_before_db, s.psnr_best_db, s.optimizer.size_mm}, torch::kFloat64);
  slots[kUnknownsSlot] = s.optimizer.unknowns;
  slots[kFirst] = s.optimizer.first_moment;
  slots[kSecond] = s.optimizer.second_moment;
  slots[kSteps] = s.optimizer.steps;
  slots[kLabel] = or_empty(s.optimizer.label);
  slots[kBest] = or_empty(s.best_unknowns);
  slots[kBestLabel] = or_empty(s.best_label);
  slots[kSums] = or_empty(s.density_sums);
  std::vector<double> curve;
  for (const FinetunePoint& point : s.curve) {
    curve.insert(curve.end(), {static_cast<double>(point.step), point.seconds, point.held_out_psnr_db,
                               static_cast<double>(point.gaussians)});
  }
  slots[kCurve] = torch::tensor(torch::ArrayRef<double>(curve), torch::kFloat64);
  std::ostringstream stream;
  torch::save(slots, stream);
  AtomicFile file(path);
  file.write(stream.view());
  file.commit();
}

std::optional<FinetuneState> load_state(const std::filesystem::path& path, std::int64_t expected) {
  if (path.empty() || !std::filesystem::exists(path)) return std::nullopt;
  std::vector<torch::Tensor> slots;
  try {
    std::ifstream stream(path, std::ios::binary);
    torch::load(slots, stream);
  } catch (const c10::Error&) {
    slots.clear();
  }
  if (slots.size() != kSlots || slots[kWhole].numel() != 6 || slots[kReal].numel() != 4) {
    fail_input("the saved run {} cannot be read; delete it to start anew", path.string());
  }
  const auto whole = [&](int i) { return slots[kWhole][i].item<std::int64_t>(); };
  const auto real = [&](int i) { return slots[kReal][i].item<double>(); };
  if (whole(0) != kVersion || whole(1) != expected) {
    fail_input("the saved run {} was made from other Gaussians, views or options; delete it to start anew",
               path.string());
  }
  FinetuneState s;
  s.fingerprint = expected;
  s.step = static_cast<int>(whole(2));
  s.best_step = static_cast<int>(whole(3));
  s.stale_evaluations = static_cast<int>(whole(4));
  s.stopped_early = whole(5) != 0;
  s.seconds = real(0);
  s.psnr_before_db = real(1);
  s.psnr_best_db = real(2);
  s.optimizer = {slots[kUnknownsSlot],        slots[kFirst], slots[kSecond], slots[kSteps],
                 or_undefined(slots[kLabel]), real(3)};
  s.best_unknowns = or_undefined(slots[kBest]);
  s.best_label = or_undefined(slots[kBestLabel]);
  s.density_sums = or_undefined(slots[kSums]);
  const torch::Tensor curve = slots[kCurve].view({-1, 4});
  for (std::int64_t i = 0; i < curve.size(0); ++i) {
    s.curve.push_back({static_cast<int>(curve[i][0].item<double>()), curve[i][1].item<double>(),
                       curve[i][2].item<double>(), static_cast<std::int64_t>(curve[i][3].item<double>())});
  }
  return s;
}

}  // namespace renderfm
