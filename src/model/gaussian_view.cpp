#include "renderfm/model/gaussian_view.h"

#include <algorithm>
#include <cmath>

#include "renderfm/core/check.h"
#include "renderfm/volume/labels.h"

namespace renderfm {
namespace {

constexpr double kKeptShare = 0.995;  // stray Gaussians of optimised scenes lie far outside

}  // namespace

ViewSphere view_sphere(const GaussianSet& gaussians) {
  if (gaussians.size() == 0) fail_input("there are no Gaussians to look at");
  if (gaussians.view_sphere) return *gaussians.view_sphere;
  const torch::Tensor sorted = std::get<0>(gaussians.position_mm.to(torch::kCPU).sort(0));
  const std::int64_t count = gaussians.size();
  const auto drop =
      static_cast<std::int64_t>(std::floor(0.5 * (1 - kKeptShare) * static_cast<double>(count)));
  const auto edge = [&](std::int64_t row, int axis) { return sorted[row][axis].item<double>(); };
  Vec3d low{}, high{};
  for (int axis = 0; axis < 3; ++axis) {
    low[axis] = edge(drop, axis);
    high[axis] = edge(count - 1 - drop, axis);
  }
  return {(low + high) * 0.5, std::max(0.5 * norm(high - low), 1e-3)};
}

GaussianSet select_organs(const GaussianSet& gaussians, const std::vector<std::string>& organs) {
  if (organs == std::vector<std::string>{"all"}) return gaussians;
  if (!gaussians.label.defined() || gaussians.label_names.empty()) {
    fail_input(
        "these Gaussians carry no organ labels, so --organs cannot choose among them; make them from the CT "
        "with --labels");
  }
  LabelVolume labels;
  labels.names = gaussians.label_names;
  const std::array<bool, 256> chosen = renderfm::select_organs(labels, organs);
  torch::Tensor table = torch::zeros({256}, torch::kBool);
  for (int label = 0; label < 256; ++label) table[label] = chosen[static_cast<std::size_t>(label)];
  GaussianSet kept = gaussians.select(table.index_select(0, gaussians.label.to(torch::kInt64)));
  // The camera stays where it is for the whole set, so that pictures of subsets line up.
  kept.view_sphere = view_sphere(gaussians);
  if (kept.size() == 0) fail_input("none of these Gaussians belongs to the organs asked for");
  return kept;
}

}  // namespace renderfm
