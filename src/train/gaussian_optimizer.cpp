#include "renderfm/train/gaussian_optimizer.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/gaussian/activate.h"
#include "renderfm/tensor/check_tensor.h"

namespace renderfm {
namespace {

constexpr std::int64_t kGrain = 2048;
constexpr float kBeta1 = 0.9F, kBeta2 = 0.999F;
constexpr float kEpsilon = 1e-15F;  // of 3DGS: gradients of a mean over pixels are tiny
// Beyond these a float no longer tells an opacity from 0 or 1.
constexpr float kMaxLogit = 13.8F;
// exp() of these is no size that means anything: e^-12 mm to e^12 mm.
constexpr float kMaxLogDiagonal = 12;

constexpr int kPosition = 0, kChannel = 3;  // offsets within the unknowns

constexpr int kChol = kChannel + layout::kChol;
constexpr std::array<int, 6> kDiagonal{kChol + layout::chol_index(0, 0), kChol + layout::chol_index(1, 1),
                                       kChol + layout::chol_index(2, 2), kChol + layout::chol_index(3, 3),
                                       kChol + layout::chol_index(4, 4), kChol + layout::chol_index(5, 5)};

using Row = std::array<float, kUnknowns>;

Row rate_of_each(const GaussianRates& rates, double extent_mm, double size_mm) {
  Row row{};
  const auto fill = [&](int begin, int count, double rate) {
    std::fill_n(row.begin() + begin, count, static_cast<float>(rate));
  };
  fill(kPosition, 3, rates.position * extent_mm);
  fill(kChannel + layout::kSh, 3, rates.sh_constant);
  fill(kChannel + layout::kSh + 3, layout::kShCount - 3, rates.sh_linear);
  fill(kChannel + layout::kOpacityLogit, 1, rates.opacity_logit);
  fill(kChannel + layout::kDirectionMean, 3, rates.direction_mean);
  for (int r = 0; r < 6; ++r) {
    for (int c = 0; c <= r; ++c) {
      double rate = rates.direction_chol;
      if (r >= 3) rate = c < 3 ? rates.shift * size_mm : (c < r ? rates.shear * size_mm : rates.log_scale);
      fill(kChol + layout::chol_index(r, c), 1, rate);
    }
  }
  return row;
}

/// Rows of a set's tensors, or of their gradients.
template <class T>
struct Pointers {
  T *position, *sh, *opacity, *direction_mean, *chol;
};

Pointers<float> pointers(const GaussianSet& set) {
  return {set.position_mm.data_ptr<float>(), set.sh.data_ptr<float>(), set.opacity.data_ptr<float>(),
          set.direction_mean.data_ptr<float>(), set.chol.data_ptr<float>()};
}

void activate_row(const float* unknowns, const Pointers<float>& out, std::int64_t n) {
  const float* const channels = unknowns + kChannel;
  std::copy_n(unknowns + kPosition, 3, out.position + 3 * n);
  std::copy_n(channels + layout::kSh, layout::kShCount, out.sh + layout::kShCount * n);
  out.opacity[n] = layout::sigmoid(channels[layout::kOpacityLogit]);
  std::copy_n(channels + layout::kDirectionMean, 3, out.direction_mean + 3 * n);
  float* const chol = out.chol + layout::kCholCount * n;
  std::copy_n(channels + layout::kChol, layout::kCholCount, chol);
  for (const int d : kDiagonal) chol[d - kChol] = std::exp(unknowns[d]);
}

// dL/d unknowns from dL/d activated: sigmoid' = o (1 - o), exp' = exp.
bool chain_row(const Pointers<float>& value, const Pointers<float>& v, std::int64_t n, Row& gradient) {
  std::copy_n(v.position + 3 * n, 3, gradient.begin() + kPosition);
  const auto channels = gradient.begin() + kChannel;
  std::copy_n(v.sh + layout::kShCount * n, layout::kShCount, channels + layout::kSh);
  channels[layout::kOpacityLogit] = v.opacity[n] * value.opacity[n] * (1 - value.opacity[n]);
  std::copy_n(v.direction_mean + 3 * n, 3, channels + layout::kDirectionMean);
  std::copy_n(v.chol + layout::kCholCount * n, layout::kCholCount, channels + layout::kChol);
  for (const int d : kDiagonal) gradient[d] *= value.chol[layout::kCholCount * n + d - kChol];
  bool moved = false;
  for (const float g : gradient) moved = moved || g != 0;
  return moved;
}

torch::Tensor gradient_or_zeros(const torch::Tensor& leaf) {
  return leaf.grad().defined() ? leaf.grad().contiguous() : torch::zeros_like(leaf);
}

}  // namespace

torch::Tensor unknowns_of(const GaussianSet& set) {
  const std::int64_t count = set.size();
  torch::Tensor unknowns = torch::empty({count, kUnknowns}, torch::kFloat32);
  const auto put = [&](int begin, const torch::Tensor& values) {
    unknowns.slice(1, begin, begin + values.size(1)).copy_(values.detach());
  };
  put(kPosition, set.position_mm);
  put(kChannel + layout::kSh, set.sh);
  const torch::Tensor opacity = set.opacity.detach().to(torch::kFloat64);
  put(kChannel + layout::kOpacityLogit,
      torch::log(opacity / (1 - opacity)).clamp(-kMaxLogit, kMaxLogit).unsqueeze(1).to(torch::kFloat32));
  put(kChannel + layout::kDirectionMean, set.direction_mean);
  put(kChol, set.chol);
  for (const int d : kDiagonal) {
    unknowns.select(1, d).log_().clamp_(-kMaxLogDiagonal, kMaxLogDiagonal);
  }
  return unknowns;
}

GaussianOptimizer::GaussianOptimizer(const GaussianSet& start, double extent_mm, const GaussianRates& rates)
    : set_(start.to(torch::kCPU)), extent_mm_(extent_mm), rates_(rates) {
  RFM_CHECK(start.size() > 0, "there are no Gaussians to optimise");
  state_.unknowns = unknowns_of(set_);
  state_.first_moment = torch::zeros_like(state_.unknowns);
  state_.second_moment = torch::zeros_like(state_.unknowns);
  state_.steps = torch::zeros({start.size()}, torch::kInt32);
  state_.label = set_.label;
  std::vector<torch::Tensor> diagonals;
  for (int axis = 0; axis < 3; ++axis) diagonals.push_back(set_.chol.select(1, layout::c_index(axis, axis)));
  state_.size_mm = torch::cat(diagonals).detach().median().item<double>();
  activate_all();
}

void GaussianOptimizer::restore(const State& state) {
  check_tensor(state.unknowns, "unknowns", {state.unknowns.size(0), kUnknowns});
  state_ = state;
  corrections_.clear();
  activate_all();
}

void GaussianOptimizer::activate_all() {
  const std::int64_t count = state_.unknowns.size(0);
  // New tensors: the old ones may be part of a graph, or the caller's.
  set_.position_mm = torch::empty({count, 3});
  set_.sh = torch::empty({count, layout::kShCount});
  set_.opacity = torch::empty({count});
  set_.direction_mean = torch::empty({count, 3});
  set_.chol = torch::empty({count, layout::kCholCount});
  set_.label = state_.label;
  const float* const unknowns = state_.unknowns.data_ptr<float>();
  const Pointers<float> out = pointers(set_);
  parallel_for(0, count, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) activate_row(unknowns + n * kUnknowns, out, n);
  });
  for (torch::Tensor* leaf : {&set_.position_mm, &set_.sh, &set_.opacity, &set_.direction_mean, &set_.chol}) {
    leaf->requires_grad_(true);
  }
}

void GaussianOptimizer::extend_corrections() {
  if (corrections_.empty()) {
    // Of a resumed run, whose steps were taken elsewhere.
    most_steps_ = static_cast<std::size_t>(std::max(0, state_.steps.max().item<std::int32_t>()));
  }
  ++most_steps_;
  while (corrections_.size() <= most_steps_) {
    const auto t = static_cast<float>(corrections_.size());
    corrections_.push_back({1 / (1 - std::pow(kBeta1, t)), 1 / (1 - std::pow(kBeta2, t))});
  }
}

void GaussianOptimizer::step(double decay, double position_decay) {
  Row rate = rate_of_each(rates_, extent_mm_, state_.size_mm);
  for (int i = 0; i < kUnknowns; ++i) rate[i] *= static_cast<float>(i < kChannel ? position_decay : decay);

  const GaussianSet gradients = [&] {
    GaussianSet g;
    g.position_mm = gradient_or_zeros(set_.position_mm);
    g.sh = gradient_or_zeros(set_.sh);
    g.opacity = gradient_or_zeros(set_.opacity);
    g.direction_mean = gradient_or_zeros(set_.direction_mean);
    g.chol = gradient_or_zeros(set_.chol);
    return g;
  }();
  const Pointers<float> value = pointers(set_), v = pointers(gradients);
  float* const unknowns = state_.unknowns.data_ptr<float>();
  float* const first = state_.first_moment.data_ptr<float>();
  float* const second = state_.second_moment.data_ptr<float>();
  std::int32_t* const steps = state_.steps.data_ptr<std::int32_t>();
  extend_corrections();
  parallel_for(0, size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    Row gradient{};
    for (std::int64_t n = begin; n < end; ++n) {
      if (!chain_row(value, v, n, gradient)) continue;
      const auto [correction1, correction2] = corrections_[static_cast<std::size_t>(++steps[n])];
      float *const p = unknowns + n * kUnknowns, *const m = first + n * kUnknowns,
                   *const s = second + n * kUnknowns;
      for (int i = 0; i < kUnknowns; ++i) {
        m[i] = kBeta1 * m[i] + (1 - kBeta1) * gradient[i];
        s[i] = kBeta2 * s[i] + (1 - kBeta2) * gradient[i] * gradient[i];
        p[i] -= rate[i] * (m[i] * correction1) / (std::sqrt(s[i] * correction2) + kEpsilon);
      }
      float& logit = p[kChannel + layout::kOpacityLogit];
      logit = std::clamp(logit, -kMaxLogit, kMaxLogit);
      for (const int d : kDiagonal) p[d] = std::clamp(p[d], -kMaxLogDiagonal, kMaxLogDiagonal);
      activate_row(p, value, n);
    }
  });
  for (torch::Tensor* leaf : {&set_.position_mm, &set_.sh, &set_.opacity, &set_.direction_mean, &set_.chol}) {
    leaf->mutable_grad().reset();
  }
}

GaussianSet GaussianOptimizer::snapshot() const {
  GaussianSet copy = set_;
  for (torch::Tensor* tensor :
       {&copy.position_mm, &copy.sh, &copy.opacity, &copy.direction_mean, &copy.chol}) {
    *tensor = tensor->detach().clone();
  }
  return copy;
}

void GaussianOptimizer::replace(const torch::Tensor& index, const GaussianSet& born) {
  const auto joined = [&](const torch::Tensor& kept, const torch::Tensor& added) {
    return torch::cat({kept.index_select(0, index), added}).contiguous();
  };
  const torch::Tensor none = torch::zeros({born.size(), kUnknowns});
  state_.unknowns = joined(state_.unknowns, unknowns_of(born));
  state_.first_moment = joined(state_.first_moment, none);
  state_.second_moment = joined(state_.second_moment, none);
  state_.steps = joined(state_.steps, torch::zeros({born.size()}, torch::kInt32));
  if (state_.label.defined()) state_.label = joined(state_.label, born.label);
  activate_all();
}

void GaussianOptimizer::move(const torch::Tensor& offset_mm) {
  check_tensor(offset_mm, "offset_mm", {size(), 3});
  const torch::NoGradGuard no_grad;
  torch::Tensor position = state_.unknowns.slice(1, kPosition, kPosition + 3);
  position.add_(offset_mm);
  set_.position_mm.copy_(position);
}

void GaussianOptimizer::cap_opacity(double limit) {
  constexpr int kLogit = kChannel + layout::kOpacityLogit;
  state_.unknowns.select(1, kLogit).clamp_max_(std::log(limit / (1 - limit)));
  state_.first_moment.select(1, kLogit).zero_();
  state_.second_moment.select(1, kLogit).zero_();
  activate_all();
}

}  // namespace renderfm
