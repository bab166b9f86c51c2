#include "renderfm/gaussian/gaussian_set.h"

#include "renderfm/core/check.h"
#include "renderfm/tensor/check_tensor.h"

namespace renderfm {
namespace {

// Applies `change` to every tensor; names, view sphere and conventions ride along.
template <class Change>
GaussianSet transformed(const GaussianSet& set, const Change& change) {
  GaussianSet out = set;
  for (torch::Tensor* tensor :
       {&out.position_mm, &out.sh, &out.opacity, &out.direction_mean, &out.chol, &out.label}) {
    if (tensor->defined()) *tensor = change(*tensor);
  }
  return out;
}

}  // namespace

GaussianSet GaussianSet::to(torch::Device device) const {
  return transformed(*this, [&](const torch::Tensor& tensor) { return tensor.to(device); });
}

GaussianSet GaussianSet::select(const torch::Tensor& mask_or_index) const {
  const bool is_mask = mask_or_index.scalar_type() == torch::kBool;
  RFM_CHECK(mask_or_index.dim() == 1 &&
                (is_mask ? mask_or_index.size(0) == size() : mask_or_index.scalar_type() == torch::kInt64),
            "cannot select from {} Gaussians by {} {}: expected [{}] Bool or [any] Long", size(),
            shape_text(mask_or_index.sizes()), torch::toString(mask_or_index.scalar_type()), size());
  const torch::Tensor index = is_mask ? mask_or_index.nonzero().squeeze(1) : mask_or_index;
  return transformed(*this, [&](const torch::Tensor& tensor) { return tensor.index_select(0, index); });
}

GaussianSet GaussianSet::joined(const GaussianSet& others) const {
  GaussianSet out = *this;
  const auto join = [](torch::Tensor& mine, const torch::Tensor& other) {
    RFM_CHECK(mine.defined() == other.defined(), "Gaussians with labels cannot be joined with some without");
    if (mine.defined()) mine = torch::cat({mine, other});
  };
  join(out.position_mm, others.position_mm);
  join(out.sh, others.sh);
  join(out.opacity, others.opacity);
  join(out.direction_mean, others.direction_mean);
  join(out.chol, others.chol);
  join(out.label, others.label);
  return out;
}

}  // namespace renderfm
