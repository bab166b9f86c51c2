#include "renderfm/model/correction.h"

#include <ATen/TensorOperators.h>

#include <vector>

#include "renderfm/gaussian/layout.h"
#include "renderfm/tensor/check_tensor.h"

namespace renderfm {

torch::Tensor corrected(const torch::Tensor& start, const torch::Tensor& residual,
                        double least_sigma_voxels) {
  check_tensor(start, "start", {-1, layout::kChannels}, start.scalar_type());
  const torch::Tensor sum = start + residual;
  if (least_sigma_voxels == 0) return sum;
  const double least = least_sigma_voxels * least_sigma_voxels;
  std::vector<std::int64_t> diagonal;
  for (int row = 0; row < 3; ++row) diagonal.push_back(layout::kChol + layout::c_index(row, row));
  const torch::Tensor columns = torch::tensor(diagonal).to(start.device());
  const torch::Tensor above = ((2 * start.index_select(1, columns)).exp() - least).clamp_min(0);
  const torch::Tensor variance = least + above * (2 * residual.index_select(1, columns)).exp();
  return sum.index_copy(1, columns, 0.5 * variance.log());
}

}  // namespace renderfm
