#include "renderfm/model/scene_medium.h"

#include <array>

#include "renderfm/core/check.h"
#include "renderfm/gaussian/foreground.h"
#include "renderfm/volume/labels.h"

namespace renderfm {
namespace {

ViewSphere sphere_of(const Medium& medium) {
  std::vector<std::int64_t> visible;
  for (std::int64_t voxel = 0; voxel < medium.geometry().voxel_count(); ++voxel) {
    if (medium.foreground(voxel)) visible.push_back(voxel);
  }
  if (visible.empty()) fail_input("this transfer function shows nothing of the scan; choose another --tf");
  return view_sphere_of(medium.geometry(), visible);
}

bool shows_something(const Medium& medium) {
  for (std::int64_t voxel = 0; voxel < medium.geometry().voxel_count(); ++voxel) {
    if (medium.foreground(voxel)) return true;
  }
  return false;
}

}  // namespace

SceneMedium make_scene_medium(const Scene& scene, const TransferFunction& tf,
                              const std::vector<std::string>& organs) {
  const std::array<bool, 256> chosen = select_organs(scene.labels, organs);
  std::array<bool, 256> everything{};
  everything.fill(true);
  Medium medium(scene.ct, scene.labels, tf, chosen);
  const ViewSphere sphere =
      chosen == everything ? sphere_of(medium) : sphere_of(Medium(scene.ct, scene.labels, tf, everything));
  if (!shows_something(medium)) {
    fail_input(
        "this transfer function and organ choice show nothing of the scan; choose another --tf or --organs");
  }
  return {std::move(medium), sphere};
}

}  // namespace renderfm
