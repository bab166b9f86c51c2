#include "bench/pathtrace_scenes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>

#include "renderfm/core/check.h"
#include "renderfm/volume/image_io.h"
#include "renderfm/volume/labels.h"
#include "renderfm/volume/phantom.h"
#include "renderfm/volume/resample.h"
#include "renderfm/volume/tissue_estimator.h"

namespace renderfm::bench {
namespace {

ViewSphere sphere_of(const Medium& medium) {
  const Geometry& grid = medium.geometry();
  std::array<Vec3d, 2> box{Vec3d{1e9, 1e9, 1e9}, Vec3d{-1e9, -1e9, -1e9}};
  const auto each = [&](const auto& body) {
    for (std::int64_t v = 0; v < grid.voxel_count(); ++v) {
      if (!medium.foreground(v)) continue;
      body(grid.world_from_index({static_cast<double>(v % grid.width()),
                                  static_cast<double>(v / grid.width() % grid.height()),
                                  static_cast<double>(v / (grid.width() * grid.height()))}));
    }
  };
  each([&](Vec3d p) {
    for (int a = 0; a < 3; ++a) {
      box[0][a] = std::min(box[0][a], p[a]);
      box[1][a] = std::max(box[1][a], p[a]);
    }
  });
  ViewSphere sphere{(box[0] + box[1]) * 0.5, 0};
  each([&](Vec3d p) { sphere.radius_mm = std::max(sphere.radius_mm, norm(p - sphere.centre_mm)); });
  RFM_CHECK(sphere.radius_mm > 0, "nothing of the scan is visible");
  return sphere;
}

TracedScan traced(std::string name, const CtVolume& ct, const LabelVolume& labels,
                  const std::string& transfer_function) {
  const LabelVolume complete = complete_labels(labels, estimate_tissues(ct));
  Medium medium(ct, complete, load_transfer_function(transfer_function), select_organs(complete, {"all"}));
  const ViewSphere sphere = sphere_of(medium);
  return {std::move(name), std::move(medium), sphere};
}

}  // namespace

TracedScan phantom_scan(double spacing_mm, const std::string& transfer_function) {
  PhantomOptions options;
  options.spacing_mm = spacing_mm;
  const Phantom phantom = make_phantom(options);
  return traced("phantom", phantom.ct, phantom.labels, transfer_function);
}

std::optional<TracedScan> example_scan(double spacing_mm, const std::string& transfer_function) {
  const char* folder = std::getenv("RENDERFM_TEST_DATA");
  if (folder == nullptr) return {};
  const std::filesystem::path ct_path = std::filesystem::path(folder) / "ct" / "example_ct.nii.gz";
  if (!std::filesystem::exists(ct_path)) return {};
  ScanReport report;
  const CtVolume scan = read_ct(ct_path, {}, report);
  const LabelVolume labels = read_labels(ct_path.parent_path() / "example_labels.nii.gz", scan, "", report);
  TargetSpacing target;
  target.kind = TargetSpacing::Kind::kMillimetres;
  target.spacing_mm = spacing_mm;
  const Geometry grid = network_grid(scan.geometry, target);
  return traced("example_ct", resample_ct(scan, grid), resample_labels(labels, grid), transfer_function);
}

TracedScan case_scan(const std::string& folder) {
  const std::filesystem::path path = folder;
  ScanReport report;
  const CtVolume scan = read_ct(path / "ct.nii.gz", {}, report);
  const LabelVolume labels = read_labels(path / "labels.nii.gz", scan, "", report);
  return traced(path.filename(), scan, labels, path / "tf.yaml");
}

pathtrace::DensityGrid density_twin(const TracedScan& scan) {
  pathtrace::DensityGrid twin;
  twin.geometry = scan.medium.geometry();
  twin.sigma_t_per_mm.resize(scan.medium.sigma_t_per_mm().size());
  std::transform(scan.medium.sigma_t_per_mm().begin(), scan.medium.sigma_t_per_mm().end(),
                 twin.sigma_t_per_mm.begin(), [](float sigma) { return -0.4F * std::expm1(-sigma); });
  twin.albedo = {0.9F, 0.7F, 0.6F};
  return twin;
}

}  // namespace renderfm::bench
