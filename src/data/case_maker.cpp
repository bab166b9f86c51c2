#include "data/case_maker.h"

#include <algorithm>

#include "data/name_bits.h"
#include "renderfm/core/check.h"
#include "renderfm/core/log.h"
#include "renderfm/core/version.h"
#include "renderfm/data/boxes.h"
#include "renderfm/data/close_up.h"
#include "renderfm/data/random_tf.h"
#include "renderfm/data/view_plan.h"
#include "renderfm/math/rng.h"
#include "renderfm/medium/collect_foreground.h"
#include "renderfm/volume/labels.h"

namespace renderfm::data {
namespace {

// A random look of which less shows is drawn again: 0.1 % of a trunk at 3 mm is a handful of ribs.
constexpr double kLeastVisible = 0.001;
constexpr int kLookDraws = 8;
// Hidden voxels do not help a trainer to start.
constexpr float kLeastExposure = 0.02F;

double visible_share(const Medium& medium) {
  std::int64_t visible = 0;
  const std::int64_t voxels = medium.geometry().voxel_count();
  for (std::int64_t voxel = 0; voxel < voxels; ++voxel) visible += medium.foreground(voxel) ? 1 : 0;
  return static_cast<double>(visible) / static_cast<double>(voxels);
}

ViewSphere sphere_of(const Medium& medium) {
  std::vector<std::int64_t> visible;
  for (std::int64_t voxel = 0; voxel < medium.geometry().voxel_count(); ++voxel) {
    if (medium.foreground(voxel)) visible.push_back(voxel);
  }
  if (visible.empty()) fail_input("the look shows nothing of this scene; choose another transfer function");
  ViewSphere sphere = view_sphere_of(medium.geometry(), visible);
  // A single voxel has no extent; a camera needs some.
  sphere.radius_mm = std::max(sphere.radius_mm, medium.geometry().max_spacing_mm());
  return sphere;
}

/// Those that can be seen; where there are more than `limit`, the first in a shuffled order.
std::vector<StartPoint> start_points(const Medium& medium, const LabelVolume& labels, int limit) {
  const Foreground foreground = collect_foreground(medium, labels);
  std::vector<std::pair<std::uint64_t, std::int64_t>> order;
  for (std::int64_t n = 0; n < foreground.size(); ++n) {
    if (foreground.exposure[n] < kLeastExposure) continue;
    order.emplace_back(mix64(static_cast<std::uint64_t>(foreground.voxel[n])), n);
  }
  if (order.empty()) order.emplace_back(0, 0);
  std::sort(order.begin(), order.end());
  order.resize(std::min(order.size(), static_cast<std::size_t>(limit)));
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  std::vector<StartPoint> points;
  const Geometry& grid = foreground.grid;
  for (const auto& [ignored, n] : order) {
    const std::int64_t voxel = foreground.voxel[n], i = voxel % grid.width(), row = voxel / grid.width();
    const Vec3d centre =
        grid.world_from_index({static_cast<double>(i), static_cast<double>(row % grid.height()),
                               static_cast<double>(row / grid.height())});
    points.push_back(
        {{static_cast<float>(centre.x), static_cast<float>(centre.y), static_cast<float>(centre.z)},
         -foreground.inward_normal[n],
         foreground.lit_srgb[n]});
  }
  return points;
}

/// Those of the chosen organs that occur; a box may hold few of its scan's.
std::vector<std::string> organs_within(std::vector<std::string> organs, const LabelVolume& labels) {
  std::erase_if(organs, [&](const std::string& organ) {
    return std::none_of(labels.names.begin(), labels.names.end(),
                        [&](const auto& entry) { return organ_matches(entry.second, organ); });
  });
  return organs;
}

std::array<bool, 256> everything() {
  std::array<bool, 256> organs{};
  organs.fill(true);
  return organs;
}

}  // namespace

const Scene& CaseMaker::scene(const CasePlan& plan) {
  const std::string key =
      fmt::format("{} {} {}", plan.scan, static_cast<int>(plan.spacing.kind), plan.spacing.spacing_mm);
  if (key != scene_key_) {
    scene_.reset();
    scene_key_.clear();
    scene_ = std::make_unique<Scene>(load_source(scans_[plan.scan], plan.spacing));
    scene_hash_ = scene_sha256(*scene_);
    scene_key_ = key;
  }
  return *scene_;
}

CaseMaker::Look CaseMaker::choose_look(const CasePlan& plan, const Scene& scene) const {
  const auto with = [&](TransferFunction tf, std::vector<std::string> organs) {
    auto medium = std::make_unique<Medium>(scene.ct, scene.labels, tf, select_organs(scene.labels, organs));
    return Look{std::move(tf), std::move(organs), std::move(medium)};
  };
  if (plan.random_look < 0) return with(plan.tf ? *plan.tf : fitting_transfer_function(scene), plan.organs);
  const std::uint64_t seed =
      hash64(config_.seed, name_bits(scans_[plan.scan].id), static_cast<std::uint64_t>(plan.random_look));
  Look look;
  for (int draw = 0; draw < kLookDraws; ++draw) {
    const std::uint64_t draw_seed = hash64(seed, static_cast<std::uint64_t>(draw));
    look = with(random_transfer_function(draw_seed, plan.unseen).tf, {"all"});
    if (visible_share(*look.medium) >= kLeastVisible) break;
  }
  if (unit_from_bits<double>(hash64(seed, 0x6F7267)) < config_.looks.organ_subsets) {
    Look part = with(look.tf, random_organs(look.tf, scene.labels, seed));
    if (visible_share(*part.medium) >= kLeastVisible) look = std::move(part);
  }
  return look;
}

void CaseMaker::set_views(CaseInfo& info, const CasePlan& plan, const std::vector<StartPoint>& points) const {
  const ViewWish& wish = config_.views;
  const ViewCounts& count = scans_[plan.scan].views;
  const std::uint64_t seed = case_seed(config_, plan);
  const ViewPlan views = plan_views(count.train, count.test, seed);
  info.width = wish.width;
  info.height = wish.height;
  info.maps = wish.maps;
  info.least_test_angle_deg = views.least_test_angle_deg;
  int number = 0;
  for (const auto& [directions, list] :
       {std::pair(&views.train, &info.train_views), std::pair(&views.test, &info.test_views)}) {
    for (std::size_t n = 0; n < directions->size(); ++n) {
      const ViewDirection& direction = (*directions)[n];
      ViewSphere sphere = info.view_sphere;
      if (is_close_up(n, wish.close_ups)) {
        sphere = close_up_sphere(sphere, points, direction, wish.zoom,
                                 hash64(seed, static_cast<std::uint64_t>(number)));
        ++info.close_ups;
      }
      const std::string name = fmt::format("{:03}", number++);
      list->push_back(make_view(
          orbit_camera(sphere, direction.azimuth_deg, direction.elevation_deg, wish.width, wish.height), name,
          info.folder, wish.maps));
    }
  }
}

CaseStart CaseMaker::start(const CasePlan& plan, const std::filesystem::path& folder) {
  const Scene& whole = scene(plan);
  Look look = choose_look(plan, whole);

  VoxelBox box = whole_box(whole.ct.geometry), stored = box;
  if (plan.box >= 0) {
    const SceneWish& scenes = scans_[plan.scan].scenes;
    const BoxWish wish{scenes.box_voxels, scenes.least_foreground};
    box = choose_box(*look.medium, wish, case_seed(config_, plan)).box;
    stored = grown(box, scenes.halo_voxels, whole.ct.geometry);
  }
  CaseStart start;
  Case& content = start.content;
  content.folder = folder;
  content.name = plan.name;
  content.scan = scans_[plan.scan].id;
  content.split = scans_[plan.scan].split;
  content.tf_family = plan.unseen ? "unseen" : "seen";
  content.ct = crop(whole.ct, stored);
  content.labels_volume = crop(whole.labels, stored);
  content.geometry = content.ct.geometry;
  content.labels = content.labels_volume.names;
  content.organs = organs_within(look.organs, content.labels_volume);
  for (int axis = 0; axis < 3; ++axis)
    content.box.begin_zyx[axis] = box.begin_zyx[axis] - stored.begin_zyx[axis];
  content.box.shape_zyx = box.shape_zyx;

  const CtVolume box_ct = crop(whole.ct, box);
  const LabelVolume box_labels = crop(whole.labels, box);
  const std::array<bool, 256> organs = select_organs(whole.labels, look.organs);
  start.medium =
      plan.box >= 0 ? std::make_unique<Medium>(box_ct, box_labels, look.tf, organs) : std::move(look.medium);
  // Organs that are switched off still count for the camera, so that pictures of subsets line up.
  content.view_sphere = organs == everything() ? sphere_of(*start.medium)
                                               : sphere_of(Medium(box_ct, box_labels, look.tf, everything()));
  content.tf = std::move(look.tf);
  const ViewWish& views = config_.views;
  content.rendering = {std::filesystem::path(config_.light).stem().string(),
                       config_.exposure,
                       views.samples,
                       views.test_samples,
                       renderer_.denoiser,
                       case_seed(config_, plan),
                       renderer_.device};
  if (const auto& phantom = scans_[plan.scan].phantom) {
    for (const auto& [trait, value] : phantom_traits_json(phantom->traits)) content.phantom[trait] = value;
  }
  content.source_sha256 = scene_hash_;
  content.plan = plan.fingerprint;
  content.made_by = "renderfm " + std::string(build_info().version);
  start.points = start_points(*start.medium, box_labels, config_.points);
  set_views(content, plan, start.points);
  return start;
}

}  // namespace renderfm::data
