// Methods by name and from a file, what they are given, and the organs that a pixel counts for.
#include "renderfm/eval/method_spec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "renderfm/eval/organ_groups.h"
#include "renderfm/volume/crop.h"
#include "renderfm/volume/tissue_estimator.h"
#include "support/scan_files.h"
#include "support/small_scan.h"

namespace renderfm {
namespace {

TEST(MethodSpec, NamesSayMethodAndDensityControl) {
  const MethodSpec mcmc = parse_method_spec("6dgs-agp-mcmc", {});
  EXPECT_EQ(mcmc.method, Method::k6dgsAgp);
  EXPECT_EQ(mcmc.settings.density, Density::kMcmc);
  EXPECT_EQ(mcmc.name, "6dgs-agp-mcmc");
  EXPECT_EQ(parse_method_spec("dvr", {}).settings.density, Density::kAuto);
  EXPECT_THROW(parse_method_spec("priming-mcmc", {}), std::runtime_error);
  EXPECT_THROW(variants_of(parse_method_spec("dvr", {}), all_variants()), std::runtime_error);
  EXPECT_EQ(base_name("network@labels-none"), "network");
  for (const Variant variant : all_variants()) EXPECT_EQ(parse_variant(variant_name(variant)), variant);
}

EvalConfig config(const std::string& yaml) {
  MethodSettings settings;
  settings.seed = 3;
  return read_eval_config(ConfigNode::parse(yaml, "methods.yaml"), settings);
}

TEST(MethodSpec, AreReadFromAFile) {
  const EvalConfig read = config(R"(
lpips: [vgg.pt]
methods:
  - dvr
  - method: finetune
    name: quick
    steps: 200
    density: mcmc
    start: tissue
    robustness: [noise, labels-none]
  - method: 6dgs-agp
    steps: 30000
    start_points: 5000
    cases:
      phantom_0001: {steps: 7000}
)");
  ASSERT_EQ(read.methods.size(), 5U);
  EXPECT_EQ(read.lpips.front(), "vgg.pt");
  EXPECT_EQ(read.methods[0].settings.seed, 3U);
  EXPECT_EQ(read.methods[1].name, "quick");
  EXPECT_EQ(read.methods[1].settings.density, Density::kMcmc);
  EXPECT_EQ(read.methods[1].settings.start, Start::kTissue);
  const MethodSpec& full = read.methods[2];
  EXPECT_EQ(steps_of(full.method, full.settings_for("aorta_ct")), 30000);
  EXPECT_EQ(steps_of(full.method, full.settings_for("phantom_0001")), 7000);
  EXPECT_EQ(full.settings_for("phantom_0001").start_points, 5000);
  EXPECT_EQ(read.methods[3].name, "quick@noise");
  EXPECT_EQ(read.methods[4].variant, Variant::kLabelsNone);
  EXPECT_EQ(read.methods[4].settings.steps, 200);
}

TEST(MethodSpec, OfAFileThatIsWrongAreRefusedByLine) {
  const auto error = [](const std::string& yaml) { return test::error_of([&] { config(yaml); }); };
  EXPECT_NE(error("methods: [7dgs]").find("there is no method '7dgs'"), std::string::npos);
  EXPECT_NE(error("methods:\n  - method: dvr\n    step: 3").find("methods.yaml line 3"), std::string::npos)
      << error("methods:\n  - method: dvr\n    step: 3");
  EXPECT_NE(error("methods:\n  - method: 6dgs\n    steps: 0").find("it must be 1 to"), std::string::npos);
  EXPECT_NE(error("methods: [dvr, dvr]").find("two methods are called 'dvr'"), std::string::npos);
  EXPECT_NE(error("methods: [{method: dvr, name: a/b}]").find("is no name"), std::string::npos);
  EXPECT_NE(error("methods: [{method: dvr, robustness: all}]").find("has no robustness rows"),
            std::string::npos);
  EXPECT_NE(error("methods: [{method: 6dgs, density: lots}]").find("is no density control"),
            std::string::npos);
}

TEST(MethodSpec, TheFileOfTheComparisonIsRead) {
  const EvalConfig read = read_eval_config(
      ConfigNode::parse_file(RENDERFM_SOURCE_DIR "/configs/eval/methods.yaml"), MethodSettings{});
  std::vector<std::string> names;
  for (const MethodSpec& spec : read.methods) names.push_back(spec.name);
  for (const char* name : {"priming", "dvr", "finetune", "6dgs", "6dgs-agp", "3dgs-agp", "6dgs-agp-mcmc"}) {
    EXPECT_EQ(std::count(names.begin(), names.end(), name), 1) << name;
  }
}

class Variants : public ::testing::Test {
 protected:
  Variants() {
    content_.ct = test::small_phantom().ct;
    content_.labels_volume = test::small_phantom().labels;
    content_.box = {{3, 4, 5}, {20, 18, 22}};
    plain_ = scene_of(content_, Variant::kNone, 1);
  }
  static std::int64_t organ_voxels(const LabelVolume& labels) {
    return std::count_if(labels.voxels.begin(), labels.voxels.end(), [](std::uint8_t label) {
      return label > 0 && label < static_cast<std::uint8_t>(Tissue::kLung);
    });
  }
  data::Case content_;
  Scene plain_;
};

TEST_F(Variants, OfLabelsKeepTheScan) {
  EXPECT_EQ(plain_.labels.voxels, crop(content_.labels_volume, content_.box).voxels);
  const auto labels = [&](Variant variant) {
    const Scene scene = scene_of(content_, variant, 1);
    EXPECT_EQ(scene.ct.voxels, plain_.ct.voxels);
    return scene.labels;
  };
  // Estimated on the whole grid, not on the box.
  EXPECT_EQ(labels(Variant::kLabelsNone).voxels, crop(estimate_tissues(content_.ct), content_.box).voxels);
  const LabelVolume eroded = labels(Variant::kLabelsEroded), dilated = labels(Variant::kLabelsDilated),
                    missing = labels(Variant::kLabelsMissing);
  EXPECT_LT(organ_voxels(eroded), organ_voxels(plain_.labels));
  EXPECT_GT(organ_voxels(dilated), organ_voxels(plain_.labels));
  EXPECT_LT(missing.names.size(), plain_.labels.names.size());
  EXPECT_NE(scene_of(content_, Variant::kLabelsMissing, 2).labels.voxels, missing.voxels);
  const Geometry& grid = plain_.labels.geometry;
  const auto at = [&](const LabelVolume& map, std::int64_t k, std::int64_t j, std::int64_t i) {
    return map.voxels[static_cast<std::size_t>(grid.offset(k, j, i))];
  };
  for (std::int64_t k = 1; k + 1 < grid.depth(); ++k) {
    for (std::int64_t j = 1; j + 1 < grid.height(); ++j) {
      for (std::int64_t i = 1; i + 1 < grid.width(); ++i) {
        const std::uint8_t label = at(plain_.labels, k, j, i);
        const std::uint8_t around[6] = {at(plain_.labels, k - 1, j, i), at(plain_.labels, k + 1, j, i),
                                        at(plain_.labels, k, j - 1, i), at(plain_.labels, k, j + 1, i),
                                        at(plain_.labels, k, j, i - 1), at(plain_.labels, k, j, i + 1)};
        const bool organ = label > 0 && label < static_cast<std::uint8_t>(Tissue::kLung);
        const bool inside = std::all_of(around, around + 6, [&](std::uint8_t l) { return l == label; });
        // What is within stays, what was at the border is the organ's no longer.
        if (organ && inside) {
          EXPECT_EQ(at(eroded, k, j, i), label);
        }
        if (organ && !inside) {
          EXPECT_NE(at(eroded, k, j, i), label);
        }
        if (organ) {
          EXPECT_EQ(at(dilated, k, j, i), label);
        }
        const bool beside = std::any_of(around, around + 6, [](std::uint8_t l) {
          return l > 0 && l < static_cast<std::uint8_t>(Tissue::kLung);
        });
        if (!organ && !beside) {
          EXPECT_EQ(at(dilated, k, j, i), label);
        }
        if (!organ && beside) {
          EXPECT_NE(at(dilated, k, j, i), label);
        }
      }
    }
  }
}

TEST_F(Variants, OfTheScanKeepTheLabels) {
  const Scene noisy = scene_of(content_, Variant::kNoise, 1);
  EXPECT_EQ(noisy.labels.voxels, plain_.labels.voxels);
  double sum = 0, squares = 0, count = 0;
  for (std::size_t n = 0; n < noisy.ct.voxels.size(); ++n) {
    if (plain_.ct.voxels[n] < kMinHu + 200) continue;  // clamped there
    const double change = noisy.ct.voxels[n] - plain_.ct.voxels[n];
    sum += change;
    squares += change * change;
    ++count;
  }
  // Standard errors of mean and deviation of `count` samples.
  EXPECT_NEAR(sum / count, 0, 4 * 25 / std::sqrt(count));
  EXPECT_NEAR(std::sqrt(squares / count), 25, 4 * 25 / std::sqrt(2 * count));
}

TEST_F(Variants, ApplyWhereTheyChangeTheCase) {
  content_.geometry = content_.ct.geometry;
  content_.labels = content_.labels_volume.names;
  EXPECT_FALSE(applies(Variant::kSpacing3, content_));  // it has 6 mm
  EXPECT_TRUE(applies(Variant::kNoise, content_));
  EXPECT_TRUE(applies(Variant::kLabelsEroded, content_));
  content_.labels = {{202, "bone"}, {206, "skin"}};  // estimated ones
  EXPECT_FALSE(applies(Variant::kLabelsNone, content_));
  for (double& spacing : content_.ct.geometry.spacing_zyx_mm) spacing /= 4;
  content_.geometry = content_.labels_volume.geometry = content_.ct.geometry;
  EXPECT_FALSE(applies(Variant::kSpacing15, content_));  // 1.5 mm
  ASSERT_TRUE(applies(Variant::kSpacing3, content_));
  const Scene coarse = scene_of(content_, Variant::kSpacing3, 1);
  EXPECT_NEAR(coarse.ct.geometry.min_spacing_mm(), 3, 1e-9);
  EXPECT_EQ(coarse.ct.voxels.size(), coarse.labels.voxels.size());
  EXPECT_NEAR(static_cast<double>(coarse.ct.voxels.size()), 20 * 18 * 22 / 8.0, 300);
}

TEST(OrganGroups, AreAPartition) {
  LabelVolume labels;
  labels.names = {{1, "spleen"},
                  {52, "aorta"},
                  {25, "sacrum"},
                  {51, "heart"},
                  {10, "lung_upper_lobe_left"},
                  {79, "spinal_cord"},
                  {80, "gluteus_maximus_left"},
                  {202, "bone"},
                  {206, "skin"}};
  const auto group = organ_group_of_label(labels);
  const auto name = [&](int label) {
    return organ_group_names().at(static_cast<std::size_t>(group.at(static_cast<std::size_t>(label)) - 1));
  };
  EXPECT_EQ(name(1), "abdomen");
  EXPECT_EQ(name(52), "vessels");
  EXPECT_EQ(name(25), "skeleton");
  EXPECT_EQ(name(51), "heart");
  EXPECT_EQ(name(10), "lungs");
  EXPECT_EQ(name(79), "other");
  EXPECT_EQ(name(80), "muscles");
  EXPECT_EQ(name(202), "skeleton");
  EXPECT_EQ(name(206), "body");
  EXPECT_EQ(name(0), "other");
  EXPECT_TRUE(is_organ_group_metric(organ_group_metric("heart")));
  EXPECT_FALSE(is_organ_group_metric("PSNR"));
}

}  // namespace
}  // namespace renderfm
