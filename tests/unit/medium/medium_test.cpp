#include "renderfm/medium/medium.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/volume/tissue_estimator.h"

namespace renderfm {
namespace {

constexpr std::array<bool, 256> all_organs() {
  std::array<bool, 256> all{};
  for (bool& organ : all) organ = true;
  return all;
}

/// Voxels of a scan made from functions of the voxel index.
struct Scan {
  CtVolume ct;
  LabelVolume labels;

  Scan(std::array<std::int64_t, 3> shape_zyx, double spacing_mm) {
    ct.geometry.shape_zyx = shape_zyx;
    ct.geometry.spacing_zyx_mm = {spacing_mm, spacing_mm, spacing_mm};
    labels.geometry = ct.geometry;
    ct.voxels.assign(static_cast<std::size_t>(ct.geometry.voxel_count()), kMinHu);
    labels.voxels.assign(ct.voxels.size(), 0);
    labels.names = {{5, "liver"}, {52, "aorta"}, {51, "heart"}};
  }
  void fill(std::uint8_t label, int hu, const std::function<bool(Vec3d)>& inside_xyz) {
    const Geometry& g = ct.geometry;
    for (std::int64_t k = 0; k < g.depth(); ++k) {
      for (std::int64_t j = 0; j < g.height(); ++j) {
        for (std::int64_t i = 0; i < g.width(); ++i) {
          if (!inside_xyz({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)})) continue;
          labels.at(k, j, i) = label;
          ct.at(k, j, i) = static_cast<std::int16_t>(hu);
        }
      }
    }
  }
  Medium medium(const TransferFunction& tf, const MediumOptions& options = {}) const {
    return Medium(ct, labels, tf, all_organs(), options);
  }
};

TransferLayer layer(std::vector<std::string> organs, double opacity, Vec3f srgb) {
  return {std::move(organs), {{0, opacity}}, {{0, srgb}}, {}};
}

TransferFunction one_layer(double opacity) {
  TransferFunction tf;
  tf.layers = {layer({"liver"}, opacity, {0.6F, 0.4F, 0.2F})};
  return tf;
}

/// Volume of the class map's visible part, in voxels.
double visible_volume(const Medium& medium) {
  double picks = 0;
  for (const CellClasses c : medium.class_map()) {
    if (c.first() != 0) picks += CellClasses::kPicks - c.second_share();
    if (c.second() != 0) picks += c.second_share();
  }
  return picks / CellClasses::kPicks / std::pow(medium.class_scale(), 3);
}

TEST(Medium, ExtinctionOfASlabIsThatOfItsOpacityAndUnitDistance) {
  Scan scan({12, 12, 12}, 1.5);
  scan.fill(5, 100, [](Vec3d p) { return p.z >= 3 && p.z < 9; });
  for (const double delta : {1.0, 2.5}) {
    TransferFunction tf = one_layer(0.4);
    tf.unit_distance_mm = delta;
    tf.density_scale = 1.5;
    const Medium medium = scan.medium(tf);
    const float sigma = medium.sigma_t_per_mm()[static_cast<std::size_t>(scan.ct.geometry.offset(5, 6, 6))];
    EXPECT_NEAR(sigma, -1.5 * std::log(0.6) / delta, 1e-6);
    EXPECT_EQ(medium.sigma_t_per_mm()[static_cast<std::size_t>(scan.ct.geometry.offset(0, 6, 6))], 0);
    EXPECT_TRUE(medium.foreground(scan.ct.geometry.offset(5, 6, 6)));
    EXPECT_FALSE(medium.foreground(scan.ct.geometry.offset(0, 6, 6)));
  }
}

TEST(Medium, ExtinctionIsCappedAtSixPerVoxel) {
  for (const double spacing_mm : {0.5, 3.0}) {
    Scan scan({8, 8, 8}, spacing_mm);
    scan.fill(5, 100, [](Vec3d) { return true; });
    const Medium medium = scan.medium(one_layer(1));
    // Opacity 1 counts as 0.999: 6.9 per mm, which is above the cap of 2 per mm at 3 mm and below 12 at 0.5
    // mm.
    EXPECT_NEAR(medium.sigma_t_per_mm()[0], std::min(6 / spacing_mm, -std::log(0.001)), 1e-5);
  }
}

TEST(Medium, ForegroundStartsAtADepthOfSixThousandthsPerVoxel) {
  Scan scan({8, 8, 8}, 1.0);
  scan.fill(5, 100, [](Vec3d) { return true; });
  EXPECT_TRUE(scan.medium(one_layer(1 - std::exp(-0.0061))).foreground(0));
  EXPECT_FALSE(scan.medium(one_layer(1 - std::exp(-0.0059))).foreground(0));
}

class SmoothedShapes : public testing::TestWithParam<double> {};
INSTANTIATE_TEST_SUITE_P(AtOneAndTwoCellsPerVoxel, SmoothedShapes, testing::Values(1.0, 3.0));

TEST_P(SmoothedShapes, ASphereOfSixVoxelsKeepsItsRadius) {
  Scan scan({20, 20, 20}, GetParam());
  const Vec3d centre{9.3, 9.6, 9.45};
  scan.fill(5, 100, [&](Vec3d p) { return norm(p - centre) <= 6; });
  const double voxels =
      static_cast<double>(std::count(scan.labels.voxels.begin(), scan.labels.voxels.end(), std::uint8_t{5}));
  const auto radius = [](double volume) { return std::cbrt(volume * 3 / (4 * M_PI)); };
  const Medium medium = scan.medium(one_layer(0.9));
  EXPECT_EQ(medium.class_scale(), GetParam() > 2 ? 2 : 1);
  EXPECT_NEAR(radius(visible_volume(medium)), radius(voxels), 0.15);
}

TEST_P(SmoothedShapes, APlateOneVoxelThickSurvives) {
  Scan scan({20, 20, 20}, GetParam());
  scan.fill(5, 100, [](Vec3d p) { return p.z == 9; });
  const Medium medium = scan.medium(one_layer(0.9));
  EXPECT_NEAR(visible_volume(medium) / 400, 1, 0.01);
  EXPECT_TRUE(medium.foreground(scan.ct.geometry.offset(9, 10, 10)));
}

TEST_P(SmoothedShapes, ARodOneVoxelThickSurvivesAndStaysJoinedToItsBody) {
  Scan scan({24, 24, 24}, GetParam());
  scan.fill(5, 100, [](Vec3d p) {
    return norm(p - Vec3d{6, 11, 11}) <= 4 || (p.y == 11 && p.z == 11 && p.x >= 6 && p.x <= 20);
  });
  const Medium medium = scan.medium(one_layer(0.9));
  for (std::int64_t i = 6; i <= 20; ++i)
    EXPECT_TRUE(medium.foreground(scan.ct.geometry.offset(11, 11, i))) << i;
  EXPECT_FALSE(medium.foreground(scan.ct.geometry.offset(11, 13, 15)));
}

TEST_P(SmoothedShapes, ARodInsideAnotherOrganSurvives) {
  Scan scan({16, 16, 16}, GetParam());
  scan.fill(5, 100, [](Vec3d) { return true; });
  scan.fill(52, 300, [](Vec3d p) { return p.y == 8 && p.z == 8; });
  TransferFunction tf = one_layer(0.2);
  tf.layers.push_back(layer({"vessels"}, 0.9, {1, 0, 0}));
  const Medium medium = scan.medium(tf);
  for (std::int64_t i = 0; i < 16; ++i) {
    EXPECT_NEAR(medium.sigma_t_per_mm()[static_cast<std::size_t>(scan.ct.geometry.offset(8, 8, i))],
                std::min(-std::log(0.1), 6 / GetParam()), 1e-5);
  }
}

TEST_P(SmoothedShapes, ABumpOfOneVoxelIsLevelledAndAPitIsFilled) {
  Scan scan({16, 16, 16}, GetParam());
  scan.fill(5, 100, [](Vec3d p) { return p.z < 8; });
  scan.fill(5, 100, [](Vec3d p) { return p.x == 4 && p.y == 5 && p.z == 8; });
  scan.fill(0, 100, [](Vec3d p) { return p.x == 11 && p.y == 10 && p.z == 7; });
  const Medium medium = scan.medium(one_layer(0.9));
  // The bump's lower half may stay, and the pit's upper one.
  const float full = medium.sigma_t_per_mm()[static_cast<std::size_t>(scan.ct.geometry.offset(4, 8, 8))];
  const float half = 0.5F * full;
  EXPECT_LE(medium.sigma_t_per_mm()[static_cast<std::size_t>(scan.ct.geometry.offset(8, 5, 4))], half);
  EXPECT_GE(medium.sigma_t_per_mm()[static_cast<std::size_t>(scan.ct.geometry.offset(7, 10, 11))],
            full - half);
}

TEST_P(SmoothedShapes, NormalsOfASphereFollowItsRadius) {
  Scan scan({26, 26, 26}, GetParam());
  const Vec3d centre{12.3, 12.6, 12.45};
  scan.fill(5, 100, [&](Vec3d p) { return norm(p - centre) <= 8; });
  const Medium medium = scan.medium(one_layer(0.9));
  double sum_deg = 0;
  int count = 0;
  for (std::int64_t k = 0; k < 26; ++k) {
    for (std::int64_t j = 0; j < 26; ++j) {
      for (std::int64_t i = 0; i < 26; ++i) {
        const Vec3d out =
            Vec3d{static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)} - centre;
        if (std::abs(norm(out) - 8) > 0.7) continue;
        const Vec3f g = medium.opacity_gradient_per_mm(scan.ct.geometry.offset(k, j, i));
        const Vec3d inward{g.x, g.y, g.z};
        ASSERT_GT(norm(inward) * GetParam(), 0.1);
        sum_deg += std::acos(-dot(inward, out) / (norm(inward) * norm(out))) * 180 / M_PI;
        ++count;
      }
    }
  }
  // Voxel faces would give about 32 degrees.
  EXPECT_LT(sum_deg / count, 5) << count << " surface voxels";
}

TEST(Medium, WithoutSmoothingTheClassesAreTheLabelVoxels) {
  Scan scan({16, 16, 16}, 3.0);
  scan.fill(5, 100, [](Vec3d p) { return p.x + p.y + p.z < 20; });
  const Medium medium = scan.medium(one_layer(0.9), {.smooth_labels = false});
  EXPECT_EQ(medium.class_scale(), 1);
  for (std::size_t v = 0; v < scan.labels.voxels.size(); ++v) {
    ASSERT_EQ(medium.class_map()[v], CellClasses(scan.labels.voxels[v] == 5 ? 1 : 0)) << v;
  }
}

TEST(Medium, OrgansOfOneLayerShareAClassAndHiddenOnesAreInvisible) {
  Scan scan({12, 12, 30}, 1.0);
  scan.fill(5, 60, [](Vec3d p) { return p.x < 10; });
  scan.fill(51, 60, [](Vec3d p) { return p.x >= 10 && p.x < 20; });
  scan.fill(52, 60, [](Vec3d p) { return p.x >= 20; });
  TransferFunction tf;
  tf.layers = {layer({"heart"}, 0, {0, 0, 1}), layer({"liver", "aorta"}, 0.5, {1, 0, 0}),
               layer({"all"}, 0.9, {0, 1, 0})};
  const Medium medium = scan.medium(tf);
  EXPECT_EQ(medium.classes().size(), 3U);  // invisible, the second layer, and "all" for the unlabelled
  const auto class_at = [&](std::int64_t i) {
    return medium.class_map()[static_cast<std::size_t>(scan.ct.geometry.offset(6, 6, i))].first();
  };
  EXPECT_EQ(class_at(4), class_at(25));
  EXPECT_NE(class_at(4), 0);
  EXPECT_EQ(class_at(15), 0);

  std::array<bool, 256> organs = all_organs();
  organs[5] = false;
  const Medium without(scan.ct, scan.labels, tf, organs);
  EXPECT_EQ(without.class_map()[static_cast<std::size_t>(scan.ct.geometry.offset(6, 6, 4))].first(), 0);
  EXPECT_EQ(without.label(scan.ct.geometry.offset(6, 6, 4)), 0);
  EXPECT_EQ(without.label(scan.ct.geometry.offset(6, 6, 25)), 52);
  EXPECT_EQ(without.label(scan.ct.geometry.offset(6, 6, 19)), 52);  // the nearest visible one
}

TEST(Medium, UnlabelledVoxelsAreDrawnByAllOnlyWhereTissuesAreNotEstimated) {
  Scan scan({8, 8, 8}, 1.5);
  scan.fill(0, 50, [](Vec3d) { return true; });
  TransferFunction tf;
  tf.layers = {layer({"all"}, 0.5, {1, 1, 1})};
  EXPECT_TRUE(scan.medium(tf).foreground(0));
  // Then what is unlabelled is air, table and clothes.
  scan.labels.names[static_cast<std::uint8_t>(Tissue::kSkin)] = "skin";
  EXPECT_FALSE(scan.medium(tf).foreground(0));
}

TEST(Medium, ColorsOfACellBorderAreWeightedByExtinction) {
  Scan scan({12, 12, 12}, 3.0);
  // Oblique, so that some voxels have cells of both classes.
  const auto liver_side = [](Vec3d p) { return p.x + 0.6 * p.y + 0.3 * p.z < 11; };
  scan.fill(5, 60, liver_side);
  scan.fill(52, 60, [&](Vec3d p) { return !liver_side(p); });
  TransferFunction tf;
  tf.layers = {layer({"liver"}, 0.5, {1, 0, 0}), layer({"aorta"}, 0.8, {0, 1, 0})};
  const Medium medium = scan.medium(tf);
  int mixed = 0;
  const Vec3f inside = medium.srgb(scan.ct.geometry.offset(2, 2, 2));
  EXPECT_FLOAT_EQ(inside.x, 1);
  EXPECT_FLOAT_EQ(inside.y, 0);
  for (std::int64_t v = 0; v < scan.ct.geometry.voxel_count(); ++v) {
    // The colours here are the two classes' shares, so they follow from the extinction alone.
    const double liver = -std::log(0.5), aorta = -std::log(0.2);
    const double share =
        (static_cast<double>(medium.sigma_t_per_mm()[static_cast<std::size_t>(v)]) - liver) / (aorta - liver);
    mixed += share > 0.01 && share < 0.99;
    const double expected = share * aorta / (share * aorta + (1 - share) * liver);
    ASSERT_NEAR(medium.srgb(v).y, expected, 1e-5);
    ASSERT_NEAR(medium.srgb(v).x + medium.srgb(v).y, 1, 1e-6);
  }
  EXPECT_GT(mixed, 20);
}

TEST(Medium, GradientOpacityMultipliesTheOpacityBeforeTheLogarithm) {
  Scan scan({10, 10, 10}, 2.0);
  // 40 HU per voxel of 2 mm along x: 20 HU per mm everywhere inside.
  for (std::int64_t x = 0; x < 10; ++x) {
    scan.fill(5, static_cast<int>(40 * x), [x](Vec3d p) { return p.x == static_cast<double>(x); });
  }
  TransferFunction tf = one_layer(0.6);
  tf.unit_distance_mm = 3;
  EXPECT_TRUE(scan.medium(tf).gradient_factor().empty());
  tf.layers[0].gradient_opacity = {{0, 0}, {40, 1}};
  const Medium medium = scan.medium(tf);
  const auto v = static_cast<std::size_t>(scan.ct.geometry.offset(5, 5, 5));
  ASSERT_EQ(medium.gradient_factor().size(), scan.ct.voxels.size());
  EXPECT_EQ(medium.gradient_factor()[v], 128);
  EXPECT_NEAR(medium.sigma_t_per_mm()[v], -std::log(1 - 0.6 * 128 / 255) / 3, 1e-6);
  EXPECT_NEAR(medium.with_factor(medium.classes()[1].sigma_t_per_mm[500], 128), medium.sigma_t_per_mm()[v],
              1e-6);
}

TEST(Medium, SurfacesTowardsUnlabelledAirFollowTheHounsfieldContour) {
  // A tilted skin: HU fall linearly to air, labels are cut at voxels. The air beside them takes the class, so
  // that the label's staircase is nowhere in front of the HU contour. In coarse voxels too: air is no mixture
  // that the skin is to be freed of.
  for (const double spacing_mm : {1.0, 3.0}) {
    Scan scan({16, 16, 16}, spacing_mm);
    scan.labels.names[static_cast<std::uint8_t>(Tissue::kSkin)] = "skin";
    const auto depth = [](Vec3d p) { return 7.3 + 0.35 * p.x - p.z; };
    for (std::int64_t v = 0; v < scan.ct.geometry.voxel_count(); ++v) {
      const Vec3d p{static_cast<double>(v % 16), static_cast<double>(v / 16 % 16),
                    static_cast<double>(v / 256)};
      scan.ct.voxels[static_cast<std::size_t>(v)] =
          static_cast<std::int16_t>(std::clamp(-500 + 1000 * depth(p), -1000.0, 0.0));
      if (depth(p) > 0)
        scan.labels.voxels[static_cast<std::size_t>(v)] = static_cast<std::uint8_t>(Tissue::kSkin);
    }
    TransferFunction tf;
    tf.layers = {{{"skin"}, {{-501, 0}, {-500, 0.9}}, {{0, {1, 1, 1}}}, {}}};
    const Medium medium = scan.medium(tf);
    for (std::int64_t k = 1; k < 15; ++k) {
      for (std::int64_t i = 1; i < 15; ++i) {
        const Vec3d p{static_cast<double>(i), 8, static_cast<double>(k)};
        const auto v = static_cast<std::size_t>(scan.ct.geometry.offset(k, 8, i));
        EXPECT_EQ(medium.sigma_t_per_mm()[v] > 0, depth(p) >= 0) << i << " " << k;
        if (depth(p) > -0.5) {
          EXPECT_EQ(medium.class_map()[v].first(), 1) << i << " " << k;
        }
      }
    }
  }
}

TEST(Medium, ResultsDoNotDependOnTheNumberOfThreads) {
  Scan scan({30, 31, 33}, 3.0);
  scan.fill(0, 30, [](Vec3d p) { return p.z > 5; });
  scan.fill(5, 60, [](Vec3d p) { return norm(p - Vec3d{12, 14, 15}) < 9; });
  scan.fill(52, 200, [](Vec3d p) { return norm(p - Vec3d{20, 16, 13}) < 5 || p.y == 3; });
  scan.fill(51, 90, [](Vec3d p) { return p.x == 4 && p.z == 8; });
  TransferFunction tf = one_layer(0.3);
  tf.layers.push_back(layer({"vessels"}, 0.9, {1, 0, 0}));
  tf.layers.push_back(layer({"heart"}, 0.5, {1, 0, 1}));
  tf.layers[0].gradient_opacity = {{0, 0.5}, {100, 1}};
  set_thread_count(1);
  const Medium one = scan.medium(tf);
  set_thread_count(5);
  const Medium five = scan.medium(tf);
  set_thread_count(0);
  EXPECT_NE(one.hu(), scan.ct.voxels);
  EXPECT_EQ(one.hu(), five.hu());
  EXPECT_EQ(one.class_map(), five.class_map());
  EXPECT_EQ(one.sigma_t_per_mm(), five.sigma_t_per_mm());
  EXPECT_EQ(one.gradient_factor(), five.gradient_factor());
  for (std::int64_t v = 0; v < scan.ct.geometry.voxel_count(); ++v) {
    const Vec3f a = one.opacity_gradient_per_mm(v), b = five.opacity_gradient_per_mm(v);
    ASSERT_TRUE(a.x == b.x && a.y == b.y && a.z == b.z) << v;
  }
}

TEST(Medium, TooManyLooksAtOnceAreRefused) {
  Scan scan({4, 4, 4}, 1.5);
  TransferFunction tf;
  for (int label = 1; label <= 32; ++label) {
    const std::string name = "organ_" + std::to_string(label);
    scan.labels.names[static_cast<std::uint8_t>(label)] = name;
    tf.layers.push_back(layer({name}, 0.5, {1, 1, 1}));
  }
  EXPECT_THROW(scan.medium(tf), Error);
  tf.layers.pop_back();
  EXPECT_EQ(scan.medium(tf).classes().size(), 32U);
}

}  // namespace
}  // namespace renderfm
