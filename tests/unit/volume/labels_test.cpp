#include "renderfm/volume/labels.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "renderfm/core/check.h"
#include "renderfm/volume/image_io.h"

namespace renderfm {
namespace {

namespace fs = std::filesystem;

// A folder that is gone after the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    path_ = fs::temp_directory_path() / (std::string("renderfm_labels_") + test->name());
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~TemporaryFolder() { fs::remove_all(path_); }
  fs::path operator/(const std::string& name) const { return path_ / name; }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

constexpr std::int64_t kSize = 24;

Geometry small_grid() {
  Geometry grid;
  grid.shape_zyx = {kSize, kSize, kSize};
  grid.spacing_zyx_mm = {3, 3, 3};
  return grid;
}

template <class V>
V filled(const Geometry& grid, int value) {
  V volume;
  volume.geometry = grid;
  volume.voxels.assign(grid.voxel_count(), static_cast<typename decltype(volume.voxels)::value_type>(value));
  return volume;
}

// Sets a box of 5 voxels' edge.
template <class V>
void set_box(V& volume, std::int64_t k0, std::int64_t j0, std::int64_t i0, int value) {
  for (std::int64_t k = k0; k < k0 + 5; ++k) {
    for (std::int64_t j = j0; j < j0 + 5; ++j) {
      for (std::int64_t i = i0; i < i0 + 5; ++i) {
        volume.at(k, j, i) = static_cast<typename decltype(volume.voxels)::value_type>(value);
      }
    }
  }
}

std::string message_of(const std::function<void()>& call, ErrorKind kind = ErrorKind::kBadInput) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(static_cast<int>(error.kind()), static_cast<int>(kind)) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

bool has_repair(const ScanReport& report, const std::string& code) {
  for (const Repair& repair : report.repairs) {
    if (repair.code == code) return true;
  }
  return false;
}

#define EXPECT_SAYS(message, words) EXPECT_NE((message).find(words), std::string::npos) << (message)

// A soft block with three bones down its middle, and labels for a liver and the bones. `numbers` are the
// labels of liver, upper, middle and lower bone.
struct Scene {
  CtVolume ct = filled<CtVolume>(small_grid(), 40);
  LabelVolume labels = filled<LabelVolume>(small_grid(), 0);

  explicit Scene(const std::array<int, 4>& numbers) {
    set_box(labels, 2, 2, 2, numbers[0]);
    set_box(labels, 18, 16, 10, numbers[1]);
    set_box(labels, 10, 16, 10, numbers[2]);
    set_box(labels, 2, 16, 10, numbers[3]);
    for (const std::int64_t k : {18, 10, 2}) set_box(ct, k, 16, 10, 400);
  }
};

TEST(TotalSegmentatorNames, AreThoseOfTheTable) {
  const char* data = std::getenv("RENDERFM_TEST_DATA");
  if (data == nullptr) GTEST_SKIP() << "RENDERFM_TEST_DATA is not set";
  std::ifstream table(fs::path(data) / "totalsegmentator_v2_classes.tsv");
  if (!table) GTEST_SKIP() << "totalsegmentator_v2_classes.tsv is not in RENDERFM_TEST_DATA";
  std::string line, name;
  std::getline(table, line);
  int label = 0, count = 0;
  while (table >> label >> name) {
    EXPECT_EQ(total_segmentator_name(label), name);
    EXPECT_EQ(total_segmentator_label(name), label);
    ++count;
  }
  EXPECT_EQ(count, 117);
}

TEST(TotalSegmentatorNames, AreEmptyBeyondTheirRange) {
  EXPECT_EQ(total_segmentator_name(0), "");
  EXPECT_EQ(total_segmentator_name(118), "");
  EXPECT_EQ(total_segmentator_name(-1), "");
  EXPECT_EQ(total_segmentator_label("flux_capacitor"), 0);
}

TEST(OrganGroups, HoldBothVersionsAndTheEstimatedTissues) {
  for (const char* bone : {"rib_left_7", "vertebrae_T12", "sacrum", "skull", "hip_left", "femur_right",
                           "scapula_left", "sternum", "costal_cartilages", "bone"}) {
    EXPECT_TRUE(organ_matches(bone, "skeleton")) << bone;
    EXPECT_FALSE(organ_matches(bone, "vessels")) << bone;
    EXPECT_FALSE(organ_matches(bone, "organs")) << bone;
  }
  for (const char* vessel : {"aorta", "inferior_vena_cava", "portal_vein_and_splenic_vein", "iliac_vena_left",
                             "pulmonary_artery", "vessel"}) {
    EXPECT_TRUE(organ_matches(vessel, "vessels")) << vessel;
    EXPECT_FALSE(organ_matches(vessel, "skeleton")) << vessel;
  }
  EXPECT_TRUE(organ_matches("aorta", "arteries"));
  EXPECT_FALSE(organ_matches("aorta", "veins"));
  EXPECT_TRUE(organ_matches("heart_ventricle_left", "heart"));
  EXPECT_TRUE(organ_matches("lung_middle_lobe_right", "lungs"));
  EXPECT_FALSE(organ_matches("lung_trachea_bronchia", "lungs"));
  EXPECT_TRUE(organ_matches("lung", "lungs"));
  EXPECT_TRUE(organ_matches("kidney_left", "organs"));
  EXPECT_TRUE(organ_matches("gluteus_medius_right", "muscles"));
  EXPECT_TRUE(organ_matches("skin", "body"));
  EXPECT_TRUE(organ_matches("anything at all", "all"));
}

TEST(OrganGroups, EveryTotalSegmentatorOrganIsInSomeGroup) {
  for (int label = 1; label <= 117; ++label) {
    int groups = 0;
    for (const std::string& group : group_names()) {
      groups += group != "all" && organ_matches(total_segmentator_name(label), group);
    }
    EXPECT_GT(groups, 0) << total_segmentator_name(label);
  }
}

TEST(OrganGroups, IgnoreCaseSpacesAndTheSingular) {
  EXPECT_TRUE(organ_matches("Vertebrae L5", "spine"));
  EXPECT_TRUE(organ_matches("rib-left-3", "Ribs"));
  EXPECT_TRUE(organ_matches("rib_left_3", "rib"));
  EXPECT_TRUE(organ_matches("rib_left_3", "bones"));
}

TEST(SelectOrgans, AddsAndRemovesInOrder) {
  LabelVolume labels = filled<LabelVolume>(small_grid(), 0);
  labels.names = {{5, "liver"}, {52, "aorta"}, {92, "rib_left_1"}, {116, "sternum"}};
  const auto bones = select_organs(labels, {"skeleton,-ribs", "aorta"});
  EXPECT_FALSE(bones[5]);
  EXPECT_TRUE(bones[52]);
  EXPECT_FALSE(bones[92]);
  EXPECT_TRUE(bones[116]);
  EXPECT_FALSE(bones[0]);
  const auto without = select_organs(labels, {"-liver"});
  EXPECT_FALSE(without[5]);
  EXPECT_TRUE(without[52]);
  EXPECT_TRUE(without[0]);
  EXPECT_TRUE(select_organs(labels, {"all"})[0]);
}

TEST(SelectOrgans, SuggestsTheNearestTerm) {
  LabelVolume labels = filled<LabelVolume>(small_grid(), 0);
  labels.names = {{5, "liver"}};
  EXPECT_SAYS(message_of([&] { select_organs(labels, {"skeletn"}); }, ErrorKind::kBadInput),
              "did you mean 'skeleton'");
  EXPECT_SAYS(message_of([&] { select_organs(labels, {"livr"}); }, ErrorKind::kBadInput),
              "did you mean 'liver'");
  EXPECT_SAYS(message_of([&] { select_organs(labels, {}); }, ErrorKind::kBadInput), "no organ was named");
  // Known, but not in these labels: nothing is selected and nothing thrown.
  EXPECT_FALSE(select_organs(labels, {"heart"})[5]);
}

TEST(ReadLabels, TakesTheNamesInTheFile) {
  const TemporaryFolder folder;
  Scene scene({5, 32, 31, 30});
  scene.labels.names = {{5, "liver"}, {32, "vertebrae_T12"}, {31, "vertebrae_L1"}, {30, "vertebrae_L2"}};
  write_nifti(scene.labels, folder / "some.nii.gz");
  ScanReport report;
  const LabelVolume read = read_labels(folder / "some.nii.gz", scene.ct, "", report);
  EXPECT_EQ(read.voxels, scene.labels.voxels);
  EXPECT_EQ(read.names, scene.labels.names);
  EXPECT_TRUE(report.repairs.empty()) << report.to_json();

  // The names are v2: another version asked for is refused, not obeyed.
  EXPECT_SAYS(message_of([&] { read_labels(folder / "some.nii.gz", scene.ct, "v1", report); }),
              "--label-version");
  EXPECT_SAYS(
      message_of([&] { read_labels(folder / "some.nii.gz", scene.ct, "v3", report); }, ErrorKind::kBadInput),
      "v1 (104 classes) or v2");
}

TEST(ReadLabels, WithoutNamesReadsTheVersionThatIsAskedFor) {
  const TemporaryFolder folder;
  const Scene v1({5, 23, 22, 21});  // liver, T12, L1, L2 of v1
  write_nifti(v1.labels, folder / "plain.nii.gz");
  ScanReport report;
  const LabelVolume read = read_labels(folder / "plain.nii.gz", v1.ct, "v1", report);
  EXPECT_EQ(read.names.at(23), "vertebrae_T12");
  EXPECT_EQ(read.names.at(5), "liver");
}

TEST(ReadLabels, RefusesTheWrongVersionWhereAnatomyContradictsIt) {
  const TemporaryFolder folder;
  Scene scene({86, 88, 90, 92});  // v2: four muscles, brain and a rib; v1: clavicle, femur, hip, sacrum
  // Make everything labelled as dense as bone: only v1 fits.
  for (std::size_t p = 0; p < scene.ct.voxels.size(); ++p) {
    if (scene.labels.voxels[p] != 0) scene.ct.voxels[p] = 500;
  }
  write_nifti(scene.labels, folder / "plain.nii.gz");
  ScanReport report;
  EXPECT_SAYS(message_of([&] { read_labels(folder / "plain.nii.gz", scene.ct, "v2", report); }),
              "contradict the CT");
  const LabelVolume inferred = read_labels(folder / "plain.nii.gz", scene.ct, "", report);
  EXPECT_EQ(inferred.names.at(92), "sacrum");
  EXPECT_TRUE(has_repair(report, "label_names_inferred")) << report.to_json();
}

TEST(ReadLabels, NeverGuessesWhatAnatomyLeavesOpen) {
  const TemporaryFolder folder;
  LabelVolume labels = filled<LabelVolume>(small_grid(), 0);
  set_box(labels, 2, 2, 2, 1);
  set_box(labels, 10, 10, 10, 5);
  write_nifti(labels, folder / "plain.nii.gz");
  ScanReport report;
  const CtVolume ct = filled<CtVolume>(small_grid(), 40);
  const std::string message = message_of([&] { read_labels(folder / "plain.nii.gz", ct, "", report); });
  EXPECT_SAYS(message, "--label-version v1");
  EXPECT_SAYS(message, "--label-version v2");
}

TEST(ReadLabels, KnowsVersion2ByALabelThatVersion1Lacks) {
  const TemporaryFolder folder;
  const Scene scene({5, 116, 115, 114});
  write_nifti(scene.labels, folder / "plain.nii.gz");
  ScanReport report;
  const LabelVolume read = read_labels(folder / "plain.nii.gz", scene.ct, "", report);
  EXPECT_EQ(read.names.at(116), "sternum");
  EXPECT_TRUE(has_repair(report, "label_names_inferred")) << report.to_json();
  EXPECT_SAYS(message_of([&] { read_labels(folder / "plain.nii.gz", scene.ct, "v1", report); }),
              "ends at 104");
}

TEST(ReadLabels, RefusesNumbersThatNoVersionKnows) {
  const TemporaryFolder folder;
  const Scene scene({5, 200, 115, 114});
  write_nifti(scene.labels, folder / "plain.nii.gz");
  ScanReport report;
  EXPECT_SAYS(message_of([&] { read_labels(folder / "plain.nii.gz", scene.ct, "", report); }), "label 200");
}

TEST(ReadLabels, NamesASingleMaskByItsFile) {
  const TemporaryFolder folder;
  LabelVolume mask = filled<LabelVolume>(small_grid(), 0);
  set_box(mask, 4, 4, 4, 1);
  write_nifti(mask, folder / "aorta_mask.nii.gz");
  ScanReport report;
  const LabelVolume read =
      read_labels(folder / "aorta_mask.nii.gz", filled<CtVolume>(small_grid(), 40), "", report);
  EXPECT_EQ(read.names, (std::map<std::uint8_t, std::string>{{52, "aorta"}}));
  EXPECT_EQ(read.at(5, 5, 5), 52);
  EXPECT_EQ(read.at(0, 0, 0), 0);
}

TEST(ReadLabels, MergesAFolderOfMasksAndGivesOverlapToTheSmaller) {
  const TemporaryFolder folder;
  LabelVolume liver = filled<LabelVolume>(small_grid(), 0), aorta = liver, own = liver, empty = liver;
  for (std::int64_t k = 2; k < 12; ++k) {
    for (std::int64_t j = 2; j < 12; ++j) {
      for (std::int64_t i = 2; i < 12; ++i) liver.at(k, j, i) = 1;
    }
  }
  set_box(aorta, 10, 10, 10, 255);  // overlaps the liver in 8 voxels
  set_box(own, 16, 16, 16, 1);
  write_nifti(liver, folder / "liver.nii.gz");
  write_nifti(aorta, folder / "aorta.nii.gz");
  write_nifti(own, folder / "tumour_a.nii.gz");
  write_nifti(empty, folder / "brain.nii.gz");
  std::ofstream(folder / "statistics.json") << "{}";
  ScanReport report;
  const CtVolume ct = filled<CtVolume>(small_grid(), 40);
  const LabelVolume read = read_labels(folder.path(), ct, "", report);
  EXPECT_EQ(read.names,
            (std::map<std::uint8_t, std::string>{{5, "liver"}, {52, "aorta"}, {118, "tumour_a"}}));
  EXPECT_EQ(read.at(11, 11, 11), 52);
  EXPECT_EQ(read.at(9, 9, 9), 5);
  EXPECT_EQ(read.at(18, 18, 18), 118);
  ASSERT_TRUE(has_repair(report, "masks_overlap"));
  for (const Repair& repair : report.repairs) {
    if (repair.code == "masks_overlap") {
      EXPECT_SAYS(repair.message, "8 voxels");
    }
  }
}

TEST(ReadLabels, RefusesFoldersWithoutUsableMasks) {
  const TemporaryFolder folder;
  ScanReport report;
  const CtVolume ct = filled<CtVolume>(small_grid(), 40);
  EXPECT_SAYS(message_of([&] { read_labels(folder.path(), ct, "", report); }), "holds no mask");
  write_nifti(filled<LabelVolume>(small_grid(), 0), folder / "liver.nii.gz");
  EXPECT_SAYS(message_of([&] { read_labels(folder.path(), ct, "", report); }), "every mask is empty");
  const Scene scene({5, 116, 115, 114});
  write_nifti(scene.labels, folder / "liver.nii.gz");
  EXPECT_SAYS(message_of([&] { read_labels(folder.path(), ct, "", report); }), "different labels");
  EXPECT_SAYS(message_of([&] { read_labels(folder / "absent.nii.gz", ct, "", report); }), "no such file");
}

TEST(ReadLabels, ResamplesAGridThatDiffersAndSaysSo) {
  const TemporaryFolder folder;
  Scene scene({5, 32, 31, 30});
  scene.labels.names = {{5, "liver"}, {32, "vertebrae_T12"}, {31, "vertebrae_L1"}, {30, "vertebrae_L2"}};
  write_nifti(scene.labels, folder / "coarse.nii.gz");
  // The same patient at half the spacing.
  CtVolume fine;
  fine.geometry = small_grid();
  fine.geometry.shape_zyx = {2 * kSize, 2 * kSize, 2 * kSize};
  fine.geometry.spacing_zyx_mm = {1.5, 1.5, 1.5};
  fine.geometry.origin_mm = {-0.75, -0.75, -0.75};
  fine.voxels.resize(fine.geometry.voxel_count());
  for (std::int64_t k = 0; k < 2 * kSize; ++k) {
    for (std::int64_t j = 0; j < 2 * kSize; ++j) {
      for (std::int64_t i = 0; i < 2 * kSize; ++i) fine.at(k, j, i) = scene.ct.at(k / 2, j / 2, i / 2);
    }
  }
  ScanReport report;
  const LabelVolume read = read_labels(folder / "coarse.nii.gz", fine, "", report);
  EXPECT_TRUE(has_repair(report, "labels_resampled"));
  std::int64_t wrong = 0;
  for (std::int64_t k = 0; k < 2 * kSize; ++k) {
    for (std::int64_t j = 0; j < 2 * kSize; ++j) {
      for (std::int64_t i = 0; i < 2 * kSize; ++i)
        wrong += read.at(k, j, i) != scene.labels.at(k / 2, j / 2, i / 2);
    }
  }
  EXPECT_EQ(wrong, 0);
}

TEST(ReadLabels, ReordersAxesWithoutCallingItARepair) {
  const TemporaryFolder folder;
  Scene scene({5, 32, 31, 30});
  LabelVolume flipped = scene.labels;  // x and y run the other way, as in RAS files
  flipped.names = {{5, "liver"}, {32, "vertebrae_T12"}, {31, "vertebrae_L1"}, {30, "vertebrae_L2"}};
  flipped.geometry.direction[0][0] = flipped.geometry.direction[1][1] = -1;
  flipped.geometry.origin_mm = {3.0 * (kSize - 1), 3.0 * (kSize - 1), 0};
  for (std::int64_t k = 0; k < kSize; ++k) {
    for (std::int64_t j = 0; j < kSize; ++j) {
      for (std::int64_t i = 0; i < kSize; ++i) {
        flipped.at(k, j, i) = scene.labels.at(k, kSize - 1 - j, kSize - 1 - i);
      }
    }
  }
  write_nifti(flipped, folder / "ras.nii.gz");
  ScanReport report;
  const LabelVolume read = read_labels(folder / "ras.nii.gz", scene.ct, "", report);
  EXPECT_EQ(read.voxels, scene.labels.voxels);
  EXPECT_TRUE(report.repairs.empty()) << report.to_json();
}

TEST(ReadLabels, RefusesLabelsOfAnotherScan) {
  const TemporaryFolder folder;
  Scene scene({5, 32, 31, 30});
  scene.labels.names = {{5, "liver"}, {32, "vertebrae_T12"}, {31, "vertebrae_L1"}, {30, "vertebrae_L2"}};
  ScanReport report;

  LabelVolume elsewhere = scene.labels;
  elsewhere.geometry.origin_mm = {0, 0, 500};
  write_nifti(elsewhere, folder / "elsewhere.nii.gz");
  EXPECT_SAYS(message_of([&] { read_labels(folder / "elsewhere.nii.gz", scene.ct, "", report); }),
              "labels of another scan");

  write_nifti(scene.labels, folder / "same_grid.nii.gz");
  CtVolume air = scene.ct;
  for (std::int16_t& hu : air.voxels) hu = -1000;
  air.at(20, 2, 2) = 40;
  EXPECT_SAYS(message_of([&] { read_labels(folder / "same_grid.nii.gz", air, "", report); }), "lie in air");

  // Bones where the CT has none, and in the wrong order.
  Scene other({5, 30, 31, 32});
  other.labels.names = scene.labels.names;
  write_nifti(other.labels, folder / "upside_down.nii.gz");
  const CtVolume soft = filled<CtVolume>(small_grid(), 40);
  EXPECT_SAYS(message_of([&] { read_labels(folder / "upside_down.nii.gz", soft, "", report); }),
              "contradict the CT");
}

class RealLabels : public testing::Test {
 protected:
  void SetUp() override {
    const char* data = std::getenv("RENDERFM_TEST_DATA");
    if (data == nullptr) GTEST_SKIP() << "RENDERFM_TEST_DATA is not set";
    folder_ = fs::path(data) / "ct";
    if (!fs::exists(folder_ / "example_labels.nii.gz"))
      GTEST_SKIP() << folder_ << " lacks example_labels.nii.gz";
  }
  fs::path folder_;
};

TEST_F(RealLabels, OfTheExampleAreReadByTheirNames) {
  ScanReport report;
  const CtVolume ct = read_ct(folder_ / "example_ct.nii.gz", {}, report);
  const LabelVolume labels = read_labels(folder_ / "example_labels.nii.gz", ct, "", report);
  EXPECT_EQ(labels.names.size(), 61u);  // counted with nibabel
  EXPECT_EQ(labels.names.at(5), "liver");
  EXPECT_EQ(labels.voxels.size(), ct.voxels.size());
  std::int64_t liver = 0;
  for (const std::uint8_t label : labels.voxels) liver += label == 5;
  EXPECT_EQ(liver, 41692);  // counted with nibabel
}

TEST_F(RealLabels, OfTheExampleAreRefusedAsVersion1AndWithAnotherScan) {
  ScanReport report;
  const CtVolume ct = read_ct(folder_ / "example_ct.nii.gz", {}, report);
  EXPECT_SAYS(message_of([&] { read_labels(folder_ / "example_labels.nii.gz", ct, "v1", report); }), "v2");
  const CtVolume other = read_ct(folder_ / "aorta_ct.nii.gz", {}, report);
  EXPECT_SAYS(message_of([&] { read_labels(folder_ / "example_labels.nii.gz", other, "", report); }),
              "another scan");
}

TEST_F(RealLabels, OfTheDicomSeriesLieOnItsSlices) {
  ScanReport report;
  const CtVolume ct = read_ct(folder_ / "example_dicom", {}, report);
  const LabelVolume labels = read_labels(folder_ / "example_dicom_labels.nii.gz", ct, "", report);
  double liver_hu = 0, liver = 0;
  for (std::size_t p = 0; p < labels.voxels.size(); ++p) {
    if (labels.voxels[p] != 5) continue;
    liver_hu += ct.voxels[p];
    liver += 1;
  }
  EXPECT_EQ(liver, 366708);              // counted with nibabel
  EXPECT_NEAR(liver_hu / liver, 89, 1);  // with pydicom on the flipped array
}

TEST_F(RealLabels, OfTheAortaAreOneMask) {
  ScanReport report;
  const CtVolume ct = read_ct(folder_ / "aorta_ct.nii.gz", {}, report);
  const LabelVolume labels = read_labels(folder_ / "aorta_mask.nii.gz", ct, "", report);
  EXPECT_EQ(labels.names, (std::map<std::uint8_t, std::string>{{52, "aorta"}}));
  std::int64_t aorta = 0;
  for (const std::uint8_t label : labels.voxels) aorta += label == 52;
  EXPECT_EQ(aorta, 72810);  // counted with nibabel
}

}  // namespace
}  // namespace renderfm
