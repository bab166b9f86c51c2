// Views, random transfer functions, boxes and the config: what is decided before anything is drawn.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numbers>
#include <set>

#include "renderfm/data/boxes.h"
#include "renderfm/data/close_up.h"
#include "renderfm/data/prepare_config.h"
#include "renderfm/data/random_tf.h"
#include "renderfm/data/view_plan.h"
#include "renderfm/volume/labels.h"
#include "support/scan_files.h"
#include "support/small_scan.h"

namespace renderfm {
namespace {

constexpr double kDegPerRad = 180 / std::numbers::pi;

TEST(ViewPlan, KeepsTestViewsApartFromTrainingViews) {
  for (const auto& [train, test] :
       {std::pair(48, 12), std::pair(8, 2), std::pair(200, 20), std::pair(1, 1)}) {
    const data::ViewPlan plan = data::plan_views(train, test, 7);
    ASSERT_EQ(plan.train.size(), static_cast<std::size_t>(train));
    ASSERT_EQ(plan.test.size(), static_cast<std::size_t>(test));
    double least_deg = 180;
    for (const auto& a : plan.train) {
      for (const auto& b : plan.test) {
        const double cosine = dot(data::direction_of(a), data::direction_of(b));
        least_deg = std::min(least_deg, std::acos(std::min(1.0, cosine)) * kDegPerRad);
      }
    }
    EXPECT_NEAR(plan.least_test_angle_deg, least_deg, 1e-9);
    EXPECT_GT(least_deg, 1.5 / std::sqrt(train + test) * kDegPerRad) << train << " and " << test;
  }
}

// A uniform sphere has mean 0 and covariance 1/3; a lattice is closer to it than random points are.
TEST(ViewPlan, CoversTheSphereEvenly) {
  const data::ViewPlan plan = data::plan_views(100, 20, 3);
  for (const auto* views : {&plan.train, &plan.test}) {
    Vec3d mean{0, 0, 0};
    Vec3d square{0, 0, 0};
    const double n = static_cast<double>(views->size());
    for (const auto& view : *views) {
      const Vec3d d = data::direction_of(view);
      mean = mean + d * (1 / n);
      square = square + d * d * (1 / n);
    }
    for (int axis = 0; axis < 3; ++axis) {
      EXPECT_NEAR(mean[axis], 0, 0.1);
      EXPECT_NEAR(square[axis], 1.0 / 3, 0.1);
    }
  }
}

TEST(CloseUp, TakesItsShareOfAnyNumberOfViews) {
  for (const double share : {0.0, 0.25, 0.5, 1.0}) {
    for (const int views : {4, 8, 20}) {
      int close_ups = 0;
      for (int n = 0; n < views; ++n)
        close_ups += data::is_close_up(static_cast<std::size_t>(n), share) ? 1 : 0;
      EXPECT_EQ(close_ups, static_cast<int>(share * views)) << share << " of " << views;
    }
  }
}

// A ball's surface seen from everywhere: the camera aims at a point of it that faces the camera, from outside
// the view sphere, and nearer than a view of the whole.
TEST(CloseUp, LooksAtTheNearSurfaceFromOutside) {
  const ViewSphere whole{{10, -20, 30}, 80};
  std::vector<data::StartPoint> points;
  for (const data::ViewDirection& view : data::plan_views(500, 0, 3).train) {
    const Vec3d normal = data::direction_of(view), position = whole.centre_mm + normal * 60.0;
    const auto narrow = [](Vec3d v) {
      return Vec3f{static_cast<float>(v.x), static_cast<float>(v.y), static_cast<float>(v.z)};
    };
    points.push_back({narrow(position), narrow(normal), {1, 1, 1}});
  }
  double nearest = 1, farthest = 0;
  std::uint64_t seed = 7;
  for (const data::ViewDirection& view : data::plan_views(200, 0, 5).train) {
    const ViewSphere sphere = data::close_up_sphere(whole, points, view, data::kMaxZoom, seed++);
    const Camera camera = orbit_camera(sphere, view.azimuth_deg, view.elevation_deg, 64, 64);
    const Vec3d target = sphere.centre_mm - whole.centre_mm, seen = camera.position_mm - whole.centre_mm;
    EXPECT_NEAR(norm(target), 60, 1e-3);
    EXPECT_GE(dot(target, data::direction_of(view)), 0.3 * 60 - 1e-3);
    EXPECT_GT(norm(seen), whole.radius_mm);
    const double share = sphere.radius_mm / whole.radius_mm;
    EXPECT_LE(share, 1);
    EXPECT_GE(share, 1 / data::kMaxZoom - 1e-9);
    nearest = std::min(nearest, share);
    farthest = std::max(farthest, share);
  }
  EXPECT_LT(nearest, 0.4);
  EXPECT_GT(farthest, 0.8);
  const ViewSphere without = data::close_up_sphere(whole, {}, {30, 10}, 2, 1);
  EXPECT_EQ(without.centre_mm.y, whole.centre_mm.y);
}

TEST(ViewPlan, FollowsItsSeed) {
  EXPECT_EQ(data::plan_views(5, 2, 1).train[0].azimuth_deg, data::plan_views(5, 2, 1).train[0].azimuth_deg);
  EXPECT_NE(data::plan_views(5, 2, 1).train[0].azimuth_deg, data::plan_views(5, 2, 2).train[0].azimuth_deg);
}

double hue_deg(Vec3f srgb) {
  const Vec3d c{srgb.x, srgb.y, srgb.z};
  const double high = std::max({c.x, c.y, c.z}), low = std::min({c.x, c.y, c.z}), range = high - low;
  double hue = 0;
  if (high == c.x) {
    hue = std::fmod((c.y - c.z) / range + 6, 6.0);
  } else {
    hue = high == c.y ? (c.z - c.x) / range + 2 : (c.x - c.y) / range + 4;
  }
  return 60 * hue;
}

// The cells are read off the curves themselves, so that a cell that only stands in the books would show.
TEST(RandomTransferFunction, SharesNoCellBetweenSeenAndUnseen) {
  std::set<std::tuple<std::string, int, int>> cells[2];
  for (const bool unseen : {false, true}) {
    for (std::uint64_t seed = 0; seed < 400; ++seed) {
      const data::RandomTransferFunction random = data::random_transfer_function(seed, unseen);
      ASSERT_EQ(random.layers.size(), random.tf.layers.size());
      for (std::size_t n = 0; n < random.layers.size(); ++n) {
        const std::string& group = random.layers[n].group;
        const auto [low, high] = data::window_range_hu(group);
        const double place = (random.tf.layers[n].opacity.front().x - low) / (high - low);
        const int window = static_cast<int>(place * data::kWindowBins);
        const int hue = static_cast<int>(hue_deg(random.tf.layers[n].color[1].srgb) * data::kHueBins / 360);
        EXPECT_EQ(window, random.layers[n].window_bin) << group << " " << seed;
        EXPECT_EQ(hue, random.layers[n].hue_bin) << group << " " << seed;
        cells[unseen ? 1 : 0].emplace(group, hue, window);
      }
    }
  }
  for (const auto& cell : cells[1]) EXPECT_EQ(cells[0].count(cell), 0U) << std::get<0>(cell);
  EXPECT_GT(cells[0].size(), 200U);  // and there is variety
  EXPECT_GT(cells[1].size(), 200U);
}

TEST(RandomTransferFunction, IsAFileThatReadsBackEqualAndFollowsItsSeed) {
  const test::ScratchFolder scratch;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const TransferFunction tf = data::random_transfer_function(seed, seed % 2 == 1).tf;
    const auto file = scratch / "tf.yaml";
    std::ofstream(file) << to_yaml(tf);
    EXPECT_EQ(to_yaml(load_transfer_function(file.string())), to_yaml(tf));
    EXPECT_EQ(to_yaml(tf), to_yaml(data::random_transfer_function(seed, seed % 2 == 1).tf));
    EXPECT_NE(to_yaml(tf), to_yaml(data::random_transfer_function(seed + 1, seed % 2 == 1).tf));
  }
}

TEST(RandomOrgans, AreGroupsThatTheScanHasAndNeverAll) {
  const LabelVolume& labels = test::small_phantom().labels;
  std::set<std::size_t> sizes;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const TransferFunction tf = load_transfer_function("bone-and-vessels");
    const std::vector<std::string> organs = data::random_organs(tf, labels, seed);
    sizes.insert(organs.size());
    ASSERT_FALSE(organs.empty());
    EXPECT_LT(organs.size(), tf.layers.size());
    EXPECT_NO_THROW(select_organs(labels, organs));
  }
  EXPECT_GT(sizes.size(), 1U);
}

TEST(Boxes, HoldEnoughForegroundAndFollowTheirSeed) {
  const Phantom& phantom = test::small_phantom();
  std::array<bool, 256> organs{};
  organs.fill(true);
  const Medium medium(phantom.ct, phantom.labels, load_transfer_function("bone"), organs);
  std::set<std::int64_t> begins;
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    const data::ChosenBox chosen = data::choose_box(medium, {16, 0.05}, seed);
    EXPECT_EQ(chosen.box, data::choose_box(medium, {16, 0.05}, seed).box);
    std::int64_t visible = 0;
    for (std::int64_t k = 0; k < 16; ++k) {
      for (std::int64_t j = 0; j < 16; ++j) {
        for (std::int64_t i = 0; i < 16; ++i) {
          const auto& b = chosen.box.begin_zyx;
          visible += medium.foreground(medium.geometry().offset(b[0] + k, b[1] + j, b[2] + i)) ? 1 : 0;
        }
      }
    }
    EXPECT_DOUBLE_EQ(chosen.foreground, static_cast<double>(visible) / 4096);
    EXPECT_GE(chosen.foreground, 0.05);
    begins.insert(chosen.box.begin_zyx[0] * 10000 + chosen.box.begin_zyx[2]);
  }
  EXPECT_GT(begins.size(), 4U);
  EXPECT_EQ(data::choose_box(medium, {100000, 0.9}, 1).box, whole_box(medium.geometry()));
}

TEST(Boxes, OfAnInvisibleScanAreRefused) {
  const Phantom& phantom = test::small_phantom();
  const Medium medium(phantom.ct, phantom.labels, load_transfer_function("bone"), {});
  EXPECT_EQ(test::error_of([&] { data::choose_box(medium, {}, 1); }).substr(0, 2), "2 ");
}

TEST(PrepareConfig, NamesTheNearestOfAnUnknownKey) {
  const auto error = [](const std::string& yaml) {
    return test::error_of([&] {
      const data::PrepareConfig config = data::prepare_config(ConfigNode::parse(yaml, "f.yaml"));
      data::check_prepare_config(config);
    });
  };
  EXPECT_NE(error("scans: [{phantoms: 1}]\nviews: {tran: 3}").find("did you mean 'train'"),
            std::string::npos);
  EXPECT_NE(error("scans: [{phantom: 1}]").find("did you mean 'phantoms'"), std::string::npos);
  EXPECT_NE(error("scans: [{phantoms: 1, ct: a.nii}]").find("2 are given"), std::string::npos);
  EXPECT_NE(error("scans: [{phantoms: 1}]\nviews: {samples: 0}").find("it must be 1 to"), std::string::npos);
  EXPECT_NE(error("scans: [{phantoms: 1, split: tset}]").find("no split"), std::string::npos);
  EXPECT_NE(error("scans: []").find("no scans"), std::string::npos);
  EXPECT_NE(error("scans: [{phantoms: 1}]\nscenes: {spacing: 0}").find("--spacing 0"), std::string::npos);
  EXPECT_NE(error("scans: [{phantoms: 1}]\nlooks: {random: 0}").find("no transfer function"),
            std::string::npos);
  EXPECT_EQ(error("scans: [{phantoms: 1}]"), "");
}

TEST(PrepareConfig, ReadsBackWhatItWrites) {
  for (const char* name : {"smoke", "laptop", "paper", "small", "held-out"}) {
    const std::string file = fmt::format(RENDERFM_SOURCE_DIR "/configs/prepare/{}.yaml", name);
    const data::PrepareConfig config = data::prepare_config(ConfigNode::parse_file(file));
    data::check_prepare_config(config);
    const std::string text = data::to_yaml(config);
    EXPECT_EQ(data::to_yaml(data::prepare_config(ConfigNode::parse(text, "resolved"))), text) << text;
  }
}

TEST(PrepareConfig, WhatModelsAreMeasuredWithIsInNoTrainingSet) {
  std::set<std::string> scans[2];
  for (const bool held_out : {false, true}) {
    const std::string file =
        fmt::format(RENDERFM_SOURCE_DIR "/configs/prepare/{}.yaml", held_out ? "held-out" : "small");
    for (const data::ScanEntry& entry : data::prepare_config(ConfigNode::parse_file(file)).scans) {
      EXPECT_EQ(entry.split == "test", held_out);
      if (entry.kind == data::ScanEntry::Kind::kFile) scans[held_out].insert(entry.path.string());
      for (int n = 0; n < entry.phantoms; ++n)
        scans[held_out].insert(std::to_string(entry.first_seed + static_cast<std::uint64_t>(n)));
    }
  }
  ASSERT_EQ(scans[1].count("aorta_ct.nii.gz"), 1U);
  for (const std::string& scan : scans[1]) EXPECT_EQ(scans[0].count(scan), 0U) << scan;
}

TEST(PrepareConfig, PhantomsAreAPopulationUnlessAllAreToBeHealthy) {
  const auto scans = [](const char* yaml) {
    return data::list_scans(data::prepare_config(ConfigNode::parse(yaml, "f.yaml")));
  };
  std::set<std::string> people;
  for (const data::ScanSource& scan : scans("scans: [{phantoms: 20, first_seed: 5}]")) {
    EXPECT_EQ(phantom_traits_json(scan.phantom->traits),
              phantom_traits_json(sample_phantom_traits(scan.phantom->seed)));
    people.insert(describe(scan.phantom->traits));
  }
  EXPECT_EQ(people.size(), 20U);
  for (const data::ScanSource& scan : scans("scans: [{phantoms: 3, population: false}]")) {
    EXPECT_EQ(phantom_traits_json(scan.phantom->traits), phantom_traits_json(PhantomTraits{}));
  }
}

TEST(PrepareConfig, LetsAnEntryHaveItsOwnScenesAndScansTheirFolder) {
  const test::ScratchFolder scratch;
  test::cube_scan().save(scratch / "a.nii");
  const data::PrepareConfig config = data::prepare_config(
      ConfigNode::parse("scans:\n  - {ct: a.nii, labels: b.nii, scenes: {spacing: 3, whole: 0}}\n"
                        "  - {phantoms: 1}\nscenes: {boxes: 2, box_voxels: 40}",
                        "f.yaml"),
      scratch / "");
  data::check_prepare_config(config);
  const std::vector<data::ScanSource> scans = data::list_scans(config);
  EXPECT_EQ(scans[0].files.ct.filename(), "a.nii");
  EXPECT_EQ(scans[0].files.labels, scratch / "b.nii");
  EXPECT_EQ(scans[0].scenes.spacing, "3");
  EXPECT_EQ(scans[0].scenes.whole, 0);
  EXPECT_EQ(scans[0].scenes.boxes, 2);  // what the entry does not say is as everywhere
  EXPECT_EQ(scans[0].scenes.box_voxels, 40);
  EXPECT_EQ(scans[1].scenes.spacing, "auto");
  EXPECT_EQ(scans[1].scenes.whole, 1);
  const std::string text = data::to_yaml(config);
  EXPECT_EQ(data::to_yaml(data::prepare_config(ConfigNode::parse(text, "resolved"))), text) << text;
}

TEST(PrepareConfig, DrawsSplitsByTheScansName) {
  data::PrepareConfig config = data::prepare_config(
      ConfigNode::parse("scans: [{phantoms: 400}]\nvalidation_share: 0.1\ntest_share: 0.2", "f.yaml"));
  std::map<std::string, int> counts;
  const std::vector<data::ScanSource> all = data::list_scans(config);
  for (const data::ScanSource& scan : all) ++counts[scan.split];
  EXPECT_NEAR(counts["test"], 80, 3 * 8);  // binomial, 3 standard deviations
  EXPECT_NEAR(counts["validation"], 40, 3 * 6);
  config.scans[0].phantoms = 50;  // fewer scans: those left stay where they were
  const std::vector<data::ScanSource> fewer = data::list_scans(config);
  for (std::size_t n = 0; n < fewer.size(); ++n) EXPECT_EQ(fewer[n].split, all[n].split);
}

TEST(PrepareConfig, TakesTheLabelsFromAShareOfTheTrainingScansAlone) {
  const data::PrepareConfig config = data::prepare_config(ConfigNode::parse(
      "scans: [{phantoms: 400, split: train}, {phantoms: 20, first_seed: 1001, split: validation}]\n"
      "label_dropout: 0.3",
      "f.yaml"));
  std::map<std::string, int> without;
  for (const data::ScanSource& scan : data::list_scans(config)) without[scan.split] += scan.estimate_labels;
  EXPECT_NEAR(without["train"], 120, 3 * 9.2);  // binomial, 3 standard deviations
  EXPECT_EQ(without["validation"], 0);

  data::ScanSource scan = data::list_scans(config).front();
  const TargetSpacing coarse{TargetSpacing::Kind::kMillimetres, 8};
  scan.estimate_labels = false;
  const Scene labelled = data::load_source(scan, coarse);
  scan.estimate_labels = true;
  const Scene estimated = data::load_source(scan, coarse);
  EXPECT_EQ(labelled.ct.voxels, estimated.ct.voxels);
  const auto has_liver = [](const Scene& scene) {
    return std::any_of(scene.labels.names.begin(), scene.labels.names.end(),
                       [](const auto& entry) { return entry.second == "liver"; });
  };
  EXPECT_TRUE(has_liver(labelled));
  EXPECT_FALSE(has_liver(estimated));
}

}  // namespace
}  // namespace renderfm
