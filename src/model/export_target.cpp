#include "renderfm/model/export_target.h"

#include "renderfm/core/check.h"
#include "renderfm/math/sh.h"
#include "renderfm/model/gaussian_view.h"
#include "renderfm/raster/rasterize.h"

namespace renderfm {
namespace {

constexpr int kSide = 256;  // pixels

/// Six around the equator, three each at 45 degrees above and below, the poles.
std::vector<Camera> views_all_around(const ViewSphere& sphere) {
  std::vector<Camera> cameras;
  const auto ring = [&](int count, double first_deg, double elevation_deg) {
    for (int n = 0; n < count; ++n) {
      cameras.push_back(orbit_camera(sphere, first_deg + 360.0 * n / count, elevation_deg, kSide, kSide));
    }
  };
  ring(6, 0, 0);
  ring(3, 30, 45);
  ring(3, 30, -45);
  ring(1, 0, 90);
  ring(1, 0, -90);
  return cameras;
}

}  // namespace

const std::vector<ExportTarget>& export_targets() {
  static const std::vector<ExportTarget> targets{{"desktop", 4000000, 1, std::int64_t{1} << 30},
                                                 {"web", 500000, 1, 25000000},
                                                 {"mobile", 300000, 0, 12000000},
                                                 {"quest", 400000, 1, 70000000}};
  return targets;
}

const ExportTarget& export_target(const std::string& name) {
  std::string names;
  for (const ExportTarget& target : export_targets()) {
    if (target.name == name) return target;
    names += (names.empty() ? "" : ", ") + target.name;
  }
  fail_input("there is no target '{}'; choose one of {}", name, names);
}

torch::Tensor contribution(const GaussianSet& gaussians) {
  GaussianSet white = gaussians;
  // dRGB/d(SH degree 0) is the blending weight times a constant, whatever the colour, as long as it is not
  // held at 0.
  white.sh = torch::zeros_like(gaussians.sh).requires_grad_(true);
  for (const Camera& camera : views_all_around(view_sphere(gaussians))) {
    raster::rasterize(white, {camera}).rgb.select(1, 0).sum().backward();
  }
  return white.sh.grad().select(1, 0) / kSh0;
}

GaussianSet reduce_to_target(const GaussianSet& gaussians, const ExportTarget& target,
                             const std::filesystem::path& path, PlyFlavor flavor) {
  const std::int64_t bytes_each =
      bytes_per_gaussian(required_gaussian_format(path), {flavor, target.sh_degree});
  constexpr std::int64_t kHeaderRoom = 65536;
  const std::int64_t most = std::min(target.max_gaussians, (target.max_bytes - kHeaderRoom) / bytes_each);
  if (gaussians.size() <= most) return gaussians;
  const torch::Tensor best = std::get<1>(contribution(gaussians).topk(most));
  GaussianSet kept = gaussians.select(std::get<0>(best.sort()));
  kept.view_sphere = view_sphere(gaussians);
  return kept;
}

}  // namespace renderfm
