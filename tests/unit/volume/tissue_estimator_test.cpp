#include "renderfm/volume/tissue_estimator.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "renderfm/core/parallel.h"
#include "renderfm/volume/image_io.h"
#include "renderfm/volume/labels.h"
#include "renderfm/volume/phantom.h"
#include "volume/tissue_estimator_parts.h"

namespace renderfm {
namespace {

namespace fs = std::filesystem;

constexpr auto number(Tissue tissue) { return static_cast<std::uint8_t>(tissue); }

// Overlap of the estimated tissue with the labels that `term` stands for.
double dice(const LabelVolume& tissues, Tissue tissue, const LabelVolume& labels, const char* term) {
  std::array<bool, 256> wanted{};
  for (const auto& [label, name] : labels.names) wanted[label] = organ_matches(name, term);
  std::int64_t both = 0, sum = 0;
  for (std::size_t p = 0; p < labels.voxels.size(); ++p) {
    const bool a = tissues.voxels[p] == number(tissue), b = wanted[labels.voxels[p]];
    both += a && b;
    sum += a + b;
  }
  return sum == 0 ? 1.0 : 2.0 * static_cast<double>(both) / static_cast<double>(sum);
}

double share(const LabelVolume& tissues, Tissue tissue) {
  std::int64_t count = 0;
  for (const std::uint8_t t : tissues.voxels) count += t == number(tissue);
  return static_cast<double>(count) / static_cast<double>(tissues.voxels.size());
}

Geometry cube(std::int64_t size, double spacing_mm) {
  Geometry grid;
  grid.shape_zyx = {size, size, size};
  grid.spacing_zyx_mm = {spacing_mm, spacing_mm, spacing_mm};
  return grid;
}

TEST(Morphology, DilatesByAEuclideanBallInMillimetres) {
  Geometry grid = cube(21, 1);
  grid.spacing_zyx_mm = {2.5, 1.0, 1.5};
  tissue::Mask mask(grid.voxel_count(), 0);
  mask[grid.offset(10, 10, 10)] = mask[grid.offset(10, 3, 18)] = 1;
  const tissue::Mask grown = tissue::dilate(mask, grid, 5);
  for (std::int64_t k = 0; k < 21; ++k) {
    for (std::int64_t j = 0; j < 21; ++j) {
      for (std::int64_t i = 0; i < 21; ++i) {
        const auto distance = [&](std::int64_t k0, std::int64_t j0, std::int64_t i0) {
          return std::hypot(2.5 * static_cast<double>(k - k0), static_cast<double>(j - j0),
                            1.5 * static_cast<double>(i - i0));
        };
        const bool near = std::min(distance(10, 10, 10), distance(10, 3, 18)) <= 5;
        ASSERT_EQ(grown[grid.offset(k, j, i)] != 0, near) << k << " " << j << " " << i;
      }
    }
  }
}

TEST(Morphology, ErosionUndoesDilationAndKeepsWhatTheScanCutsOff) {
  const Geometry grid = cube(24, 1);
  tissue::Mask slab(grid.voxel_count(), 0);  // ends at the border of the scan
  for (std::int64_t k = 0; k < 8; ++k) {
    for (std::int64_t p = 0; p < 24 * 24; ++p) slab[k * 24 * 24 + p] = 1;
  }
  const tissue::Mask thin = tissue::erode(slab, grid, 3);
  EXPECT_EQ(thin[grid.offset(0, 0, 0)], 1);
  EXPECT_EQ(thin[grid.offset(4, 12, 12)], 1);
  EXPECT_EQ(thin[grid.offset(5, 12, 12)], 0);
  EXPECT_EQ(tissue::close(slab, grid, 3), slab);
}

TEST(TissueEstimator, FindsNothingInAir) {
  CtVolume air;
  air.geometry = cube(32, 3);
  air.voxels.assign(air.geometry.voxel_count(), -1000);
  const LabelVolume tissues = estimate_tissues(air);
  EXPECT_TRUE(tissues.names.empty());
  for (const std::uint8_t t : tissues.voxels) ASSERT_EQ(t, 0);
}

TEST(TissueEstimator, SeesThePhantomsOrgansAndDropsATable) {
  PhantomOptions options;
  options.spacing_mm = 3;
  Phantom phantom = make_phantom(options);
  const Geometry& grid = phantom.ct.geometry;
  // A carbon shell of one voxel behind the back, across the whole scan, as wide as the scan.
  std::int64_t back = 0;
  for (std::int64_t k = 0; k < grid.depth(); ++k) {
    for (std::int64_t j = 0; j < grid.height(); ++j) {
      for (std::int64_t i = 0; i < grid.width(); ++i) {
        if (phantom.ct.at(k, j, i) > -300) back = std::max(back, j);
      }
    }
  }
  const std::int64_t table = std::min(back + 2, grid.height() - 1);
  for (std::int64_t k = 0; k < grid.depth(); ++k) {
    for (std::int64_t i = 0; i < grid.width(); ++i) phantom.ct.at(k, table, i) = 60;
  }
  const LabelVolume tissues = estimate_tissues(phantom.ct);
  std::int64_t table_voxels = 0;
  for (std::int64_t k = 0; k < grid.depth(); ++k) {
    for (std::int64_t i = 0; i < grid.width(); ++i)
      table_voxels += table > back && tissues.at(k, table, i) != 0;
  }
  EXPECT_EQ(table_voxels, 0);
  const double lung = dice(tissues, Tissue::kLung, phantom.labels, "lungs");
  const double bone = dice(tissues, Tissue::kBone, phantom.labels, "skeleton");
  std::printf("phantom at 3 mm: Dice lungs %.4f, skeleton %.4f\n", lung, bone);
  EXPECT_GT(lung, 0.9);
  EXPECT_GT(bone, 0.7);
  EXPECT_GT(share(tissues, Tissue::kVessel), 0);
  EXPECT_GT(share(tissues, Tissue::kSkin), 0);
}

TEST(TissueEstimator, DoesNotDependOnTheThreadCountOrTheOrderOfAxes) {
  PhantomOptions options;
  options.spacing_mm = 5;
  const Phantom phantom = make_phantom(options);
  set_thread_count(1);
  const LabelVolume one = estimate_tissues(phantom.ct);
  set_thread_count(5);
  const LabelVolume five = estimate_tissues(phantom.ct);
  set_thread_count(0);
  EXPECT_EQ(one.voxels, five.voxels);

  // The same scan stored with its slices along x: z, y, x of the array become y, x, z of the patient.
  const Geometry& grid = phantom.ct.geometry;
  CtVolume turned;
  turned.geometry = grid;
  turned.geometry.shape_zyx = {grid.height(), grid.width(), grid.depth()};
  turned.geometry.direction = {{{0, 1, 0}, {0, 0, 1}, {1, 0, 0}}};
  turned.voxels.resize(phantom.ct.voxels.size());
  for (std::int64_t k = 0; k < grid.depth(); ++k) {
    for (std::int64_t j = 0; j < grid.height(); ++j) {
      for (std::int64_t i = 0; i < grid.width(); ++i) turned.at(j, i, k) = phantom.ct.at(k, j, i);
    }
  }
  const LabelVolume result = estimate_tissues(turned);
  std::int64_t different = 0;
  for (std::int64_t k = 0; k < grid.depth(); ++k) {
    for (std::int64_t j = 0; j < grid.height(); ++j) {
      for (std::int64_t i = 0; i < grid.width(); ++i) different += result.at(j, i, k) != one.at(k, j, i);
    }
  }
  // Ties between equally near seeds fall differently.
  EXPECT_LT(static_cast<double>(different), 0.001 * static_cast<double>(grid.voxel_count()));
}

TEST(TissueEstimator, KeepsLungsBehindAnOpenMouthAndLeavesOutTheGapUnderAnArm) {
  // A body with two lungs whose windpipe opens in front, near the head end; at its side an arm that touches
  // it twice.
  CtVolume ct;
  ct.geometry.shape_zyx = {60, 60, 84};
  ct.geometry.spacing_zyx_mm = {3, 3, 3};
  ct.voxels.assign(ct.geometry.voxel_count(), -1000);
  for (std::int64_t k = 0; k < 60; ++k) {
    for (std::int64_t j = 0; j < 60; ++j) {
      for (std::int64_t i = 0; i < 84; ++i) {
        const auto ellipse = [&](double ci, double ri, double rj) {
          return std::hypot((static_cast<double>(i) - ci) / ri, (static_cast<double>(j) - 30) / rj) <= 1;
        };
        std::int16_t& hu = ct.at(k, j, i);
        if (ellipse(36, 26, 20) || ellipse(74, 7, 12)) hu = 40;
        if (k >= 20 && k < 40 && (std::abs(j - 23) < 3 || std::abs(j - 37) < 3) && i > 36 && i < 74)
          hu = 40;  // folds at both ends of the gap
        if (k >= 10 && k < 40 && (ellipse(24, 8, 11) || ellipse(48, 8, 11))) hu = -850;
        if (k >= 36 && k < 54 && j >= 28 && j < 32 && i >= 34 && i < 38) hu = -1000;
        if (k >= 36 && k < 40 && j >= 28 && j < 32 && i >= 28 && i < 44) hu = -1000;
        if (k >= 50 && k < 54 && j < 32 && i >= 34 && i < 38) hu = -1000;
      }
    }
  }
  const LabelVolume tissues = estimate_tissues(ct);
  EXPECT_EQ(tissues.at(25, 30, 24), number(Tissue::kLung));
  EXPECT_EQ(tissues.at(25, 30, 48), number(Tissue::kLung));
  EXPECT_EQ(tissues.at(45, 30, 36), number(Tissue::kAirway));
  EXPECT_EQ(tissues.at(25, 30, 76), number(Tissue::kSoftTissue));
  ASSERT_EQ(ct.at(30, 30, 65), -1000);
  EXPECT_EQ(tissues.at(30, 30, 65), 0);
  EXPECT_EQ(tissues.at(5, 30, 65), 0);
}

class RealScan : public testing::Test {
 protected:
  void SetUp() override {
    const char* data = std::getenv("RENDERFM_TEST_DATA");
    if (data == nullptr) GTEST_SKIP() << "RENDERFM_TEST_DATA is not set";
    folder_ = fs::path(data) / "ct";
    if (!fs::exists(folder_ / "example_ct.nii.gz")) GTEST_SKIP() << folder_ << " lacks example_ct.nii.gz";
  }
  fs::path folder_;
  ScanReport report_;
};

TEST_F(RealScan, OfTheAbdomenAgreesWithItsLabels) {
  const CtVolume ct = read_ct(folder_ / "example_ct.nii.gz", {}, report_);
  const LabelVolume labels = read_labels(folder_ / "example_labels.nii.gz", ct, "", report_);
  const LabelVolume tissues = estimate_tissues(ct);
  std::int64_t labelled = 0, inside = 0, bone_in_organs = 0, organs = 0;
  for (std::size_t p = 0; p < labels.voxels.size(); ++p) {
    if (labels.voxels[p] == 0) continue;
    ++labelled;
    inside += tissues.voxels[p] != 0;
    const std::string& name = labels.names.at(labels.voxels[p]);
    if (!organ_matches(name, "abdomen") && name != "spinal_cord") continue;
    ++organs;
    bone_in_organs += tissues.voxels[p] == number(Tissue::kBone);
  }
  const double lung = dice(tissues, Tissue::kLung, labels, "lungs");
  const double bone = dice(tissues, Tissue::kBone, labels, "skeleton");
  const double contour = static_cast<double>(inside) / static_cast<double>(labelled);
  std::printf("example_ct: Dice lungs %.4f, skeleton %.4f; %.4f of the labelled voxels are in the body\n",
              lung, bone, contour);
  EXPECT_GE(lung, 0.95);
  EXPECT_GE(bone, 0.80);
  EXPECT_GE(contour, 0.97);
  EXPECT_LT(static_cast<double>(bone_in_organs), 0.005 * static_cast<double>(organs));
  EXPECT_EQ(share(tissues, Tissue::kVessel), 0) << "this scan has no contrast agent";
}

TEST_F(RealScan, OfAContrastThoraxTellsTheAortaFromTheSpine) {
  const CtVolume ct = read_ct(folder_ / "aorta_ct.nii.gz", {}, report_);
  const LabelVolume mask = read_labels(folder_ / "aorta_mask.nii.gz", ct, "", report_);
  const LabelVolume tissues = estimate_tissues(ct);
  std::int64_t aorta = 0, vessel = 0, bone = 0, bright = 0;
  for (std::size_t p = 0; p < mask.voxels.size(); ++p) {
    if (mask.voxels[p] == 0) continue;
    ++aorta;
    bone += tissues.voxels[p] == number(Tissue::kBone);
    if (ct.voxels[p] < 250) continue;  // thrombus and the slow channel of the dissection
    ++bright;
    vessel += tissues.voxels[p] == number(Tissue::kVessel);
  }
  std::printf("aorta_ct: vessel in %.4f of the aorta's contrast agent, bone in %.4f of the aorta\n",
              static_cast<double>(vessel) / static_cast<double>(bright),
              static_cast<double>(bone) / static_cast<double>(aorta));
  EXPECT_GT(static_cast<double>(vessel), 0.97 * static_cast<double>(bright));
  EXPECT_LT(static_cast<double>(bone), 0.01 * static_cast<double>(aorta));
  // Lungs that the field of view cuts on every side are still lungs, and spine, ribs and sternum still bone.
  EXPECT_GT(share(tissues, Tissue::kLung), 0.25);
  EXPECT_GT(share(tissues, Tissue::kBone), 0.05);
  EXPECT_GT(share(tissues, Tissue::kAirway), 0.002);
}

TEST_F(RealScan, OfTwentySlicesKeepsBothArmsAndDropsTheTable) {
  const CtVolume ct = read_ct(folder_ / "example_dicom", {}, report_);
  const LabelVolume labels = read_labels(folder_ / "example_dicom_labels.nii.gz", ct, "", report_);
  const LabelVolume tissues = estimate_tissues(ct);
  std::int64_t humerus = 0, humerus_bone = 0, behind = 0, spine = 0, spine_bone = 0;
  double lowest_body_mm = -1e9;
  const Geometry& grid = ct.geometry;
  for (std::int64_t k = 0; k < grid.depth(); ++k) {
    for (std::int64_t j = 0; j < grid.height(); ++j) {
      for (std::int64_t i = 0; i < grid.width(); ++i) {
        const std::uint8_t label = labels.at(k, j, i), tissue = tissues.at(k, j, i);
        const double y_mm =
            grid.world_from_index({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)}).y;
        if (tissue != 0) lowest_body_mm = std::max(lowest_body_mm, y_mm);
        if (label == 0) continue;
        const std::string& name = labels.names.at(label);
        if (name.starts_with("humerus")) ++humerus, humerus_bone += tissue == number(Tissue::kBone);
        if (name.starts_with("vertebra")) ++spine, spine_bone += tissue == number(Tissue::kBone);
        behind += tissue == 0;
      }
    }
  }
  std::printf("example_dicom: bone in %.3f of the humeri, %.3f of the vertebrae\n",
              static_cast<double>(humerus_bone) / static_cast<double>(humerus),
              static_cast<double>(spine_bone) / static_cast<double>(spine));
  EXPECT_GT(static_cast<double>(humerus_bone), 0.85 * static_cast<double>(humerus));
  EXPECT_GT(static_cast<double>(spine_bone), 0.9 * static_cast<double>(spine));
  EXPECT_EQ(behind, 0);
  // The table's shells begin 30 mm behind the back in the middle, and curve up beside it.
  const std::int64_t right_shell_j = 392;
  for (std::int64_t k = 0; k < grid.depth(); ++k) {
    for (std::int64_t j = right_shell_j; j < grid.height(); ++j) {
      for (std::int64_t i = 40; i < 70; ++i) ASSERT_EQ(tissues.at(k, j, i), 0) << k << " " << j << " " << i;
    }
  }
}

TEST(CompleteLabels, FillsTheGapsWithoutDoublingOrgans) {
  LabelVolume labels, tissues;
  labels.geometry = tissues.geometry = cube(2, 1);
  labels.voxels = {0, 0, 0, 0, 0, 0, 92, 52};
  labels.names = {{92, "rib_left_1"}, {52, "aorta"}};
  tissues.voxels = {0, 201, 202, 203, 204, 205, 202, 204};
  tissues.names = {{201, "lung"}, {202, "bone"}, {203, "vessel"}, {204, "soft_tissue"}, {205, "fat"}};
  const LabelVolume full = complete_labels(labels, tissues);
  // Ribs and the aorta are named, so other bone and vessel become soft tissue; lungs are not named and stay.
  EXPECT_EQ(full.voxels, (std::vector<std::uint8_t>{0, 201, 204, 204, 204, 205, 92, 52}));
  EXPECT_EQ(full.names,
            (std::map<std::uint8_t, std::string>{
                {52, "aorta"}, {92, "rib_left_1"}, {201, "lung"}, {204, "soft_tissue"}, {205, "fat"}}));
}

TEST(CompleteLabels, KeepsClearOfNumbersThatTheLabelsUse) {
  LabelVolume labels, tissues;
  labels.geometry = tissues.geometry = cube(2, 1);
  labels.voxels = {0, 0, 0, 0, 0, 7, 205, 205};
  labels.names = {{205, "tumour"}, {7, "fat"}};
  tissues.voxels = {205, 204, 206, 0, 0, 205, 205, 205};
  tissues.names = {{204, "soft_tissue"}, {205, "fat"}, {206, "skin"}};
  const LabelVolume full = complete_labels(labels, tissues);
  EXPECT_EQ(full.voxels, (std::vector<std::uint8_t>{7, 204, 206, 0, 0, 7, 205, 205}));
  EXPECT_EQ(full.names.at(205), "tumour");

  labels.names = {{205, "tumour"}};
  labels.voxels[5] = 0;
  const LabelVolume moved = complete_labels(labels, tissues);
  EXPECT_EQ(moved.names.at(moved.voxels[0]), "fat");
  EXPECT_NE(moved.voxels[0], 205);
}

}  // namespace
}  // namespace renderfm
