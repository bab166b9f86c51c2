// DICOM series as archives hold them, written by pydicom. Every voxel holds field_hu of its place, so the
// value shows where the reader believes the voxel to be.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>

#include "renderfm/volume/image_io.h"
#include "renderfm/volume/resample.h"
#include "support/scan_files.h"

namespace renderfm {
namespace {

using test::error_of;
using test::has_repair;

double field_hu(Vec3d p) { return dot(p, Vec3d{5, -3, 4}) + 100; }  // as in make_dicom_scans.py

class Dicom : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (test::python_has("pydicom, numpy")) files_ = std::make_unique<test::ScanFiles>("make_dicom_scans.py");
  }
  static void TearDownTestSuite() { files_.reset(); }
  void SetUp() override {
    if (!files_) GTEST_SKIP() << "needs Python with pydicom and numpy (scripts/setup.sh --tests)";
    ASSERT_TRUE(files_->complete());
  }
  static std::filesystem::path file(const std::string& name) { return *files_ / name; }

  CtVolume read(const std::string& name, const ReadOptions& options = {}) {
    report_ = {};
    return read_ct(file(name), options, report_);
  }

  // All voxels, or all but air where the grid covers more than the slices did. Stored values, rescaled values
  // and interpolated values are rounded once each.
  static void expect_field(const CtVolume& ct, double offset_hu = 0, double tolerance_hu = 1.01) {
    std::int64_t compared = 0;
    for (std::int64_t k = 0; k < ct.geometry.depth(); ++k) {
      for (std::int64_t j = 0; j < ct.geometry.height(); ++j) {
        for (std::int64_t i = 0; i < ct.geometry.width(); ++i) {
          if (ct.at(k, j, i) == kMinHu) continue;
          const Vec3d place = ct.geometry.world_from_index(
              {static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)});
          ASSERT_NEAR(ct.at(k, j, i), field_hu(place) + offset_hu, tolerance_hu) << i << ' ' << j << ' ' << k;
          ++compared;
        }
      }
    }
    EXPECT_GT(compared, ct.geometry.voxel_count() / 2);
  }
  void expect_even_stack(const CtVolume& ct) {
    EXPECT_EQ(ct.geometry.shape_zyx, (std::array<std::int64_t, 3>{12, 20, 24}));
    EXPECT_NEAR(ct.geometry.spacing_zyx_mm[0], 2.5, 1e-9);
    EXPECT_NEAR(ct.geometry.spacing_zyx_mm[1], 0.8, 1e-9);
    EXPECT_NEAR(ct.geometry.spacing_zyx_mm[2], 1.1, 1e-9);
    EXPECT_NEAR(ct.geometry.origin_mm.z, -30, 1e-9);
  }

  static std::unique_ptr<test::ScanFiles> files_;
  ScanReport report_;
};
std::unique_ptr<test::ScanFiles> Dicom::files_;

TEST_F(Dicom, OrdersAndSpacesSlicesByTheirPositions) {
  for (const char* name : {"plain", "implicit", "good.zip", "escape.zip"}) {
    SCOPED_TRACE(name);
    const CtVolume ct = read(name);
    expect_even_stack(ct);
    expect_field(ct);
    EXPECT_TRUE(report_.repairs.empty()) << report_.to_json();
  }
}

TEST_F(Dicom, ReadsTheSeriesAroundASingleFile) {
  const CtVolume ct = read("archive/a/IM0002");
  EXPECT_EQ(ct.geometry.depth(), 6);
  expect_field(ct);
}

TEST_F(Dicom, ShiftsTiltedSlicesBackAndNamesTheAngle) {
  const CtVolume ct = read("tilt");
  ASSERT_TRUE(has_repair(report_, "gantry_tilt"));
  EXPECT_NE(report_.repairs[0].message.find("17.0 degrees"), std::string::npos) << report_.repairs[0].message;
  EXPECT_EQ(ct.geometry.depth(), 12);
  // 27.5 mm of height at 17 degrees: 8.4 mm, 11 more rows; what they do not cover is air.
  EXPECT_EQ(ct.geometry.height(), 31);
  EXPECT_EQ(ct.at(0, 30, 5), kMinHu);
  EXPECT_EQ(ct.at(11, 0, 5), kMinHu);
  // Half a voxel beyond the last centre keeps that voxel's value: 0.4 mm of the field.
  expect_field(ct, 0, 1.01 + 0.4 * 3);
}

TEST_F(Dicom, RefusesMissingSlicesUnlessToldToInterpolate) {
  const std::string error = error_of([&] { read("gap"); });
  EXPECT_EQ(error.substr(0, 2), "2 ");
  EXPECT_NE(error.find("2 slices are missing"), std::string::npos) << error;
  ReadOptions options;
  options.allow_gaps = true;
  const CtVolume ct = read("gap", options);
  EXPECT_TRUE(has_repair(report_, "missing_slices"));
  expect_even_stack(ct);
  expect_field(ct);
}

TEST_F(Dicom, InterpolatesUnevenSlicesToEvenOnes) {
  const CtVolume ct = read("irregular");
  EXPECT_TRUE(has_repair(report_, "irregular_slices"));
  expect_even_stack(ct);
  expect_field(ct);
}

TEST_F(Dicom, AppliesEachSlicesOwnRescale) { expect_field(read("rescale")); }

TEST_F(Dicom, DropsDuplicatesAndSaysSo) {
  const CtVolume ct = read("duplicates");
  ASSERT_TRUE(has_repair(report_, "duplicate_slices"));
  EXPECT_NE(report_.repairs[0].message.find("2 slices"), std::string::npos);
  expect_even_stack(ct);
  expect_field(ct);  // the first of each, not the one that is 50 HU brighter
}

TEST_F(Dicom, TellsVolumesAtTheSamePlaceApart) {
  expect_field(read("phases"));
  EXPECT_TRUE(has_repair(report_, "time_point"));
  for (const int phase : {1, 2}) {
    ReadOptions options;
    options.time_point = phase;
    expect_field(read("phases", options), 100 * phase);
    EXPECT_FALSE(has_repair(report_, "time_point"));
  }
  ReadOptions options;
  options.time_point = 3;
  EXPECT_EQ(error_of([&] { read("phases", options); }).substr(0, 2), "2 ");
}

TEST_F(Dicom, ListsSeriesWithTheLargestAxialCtFirst) {
  const std::vector<SeriesInfo> list = list_series(file("archive"));
  std::vector<std::string> usable, unusable;
  for (const SeriesInfo& series : list) (series.usable ? usable : unusable).push_back(series.description);
  EXPECT_EQ(usable, (std::vector<std::string>{"thick", "thin", "coronal", "derived"}));
  std::sort(unusable.begin(), unusable.end());
  EXPECT_EQ(unusable, (std::vector<std::string>{"capture", "dose", "scout"}));
  EXPECT_EQ(list[0].slices, 12);
  EXPECT_EQ(list[0].rows, 20);
  EXPECT_EQ(list[0].columns, 24);
  EXPECT_NEAR(list[0].spacing_mm, 2.5, 1e-9);

  EXPECT_EQ(read("archive").geometry.depth(), 12);
  EXPECT_TRUE(has_repair(report_, "several_series"));
  ReadOptions options;
  options.series = "2";
  EXPECT_EQ(read("archive", options).geometry.depth(), 6);
  options.series = list[2].uid;
  const CtVolume coronal = read("archive", options);
  EXPECT_EQ(coronal.geometry.depth(), 30);
  expect_field(coronal);
  for (const char* missing : {"99", "0", "1.2.3", "2x"}) {
    options.series = missing;
    const std::string error = error_of([&] { read("archive", options); });
    EXPECT_EQ(error.substr(0, 2), "2 ") << error;
  }
}

TEST_F(Dicom, ReadsObliqueSlicesAndEnhancedMultiFrame) {
  const CtVolume oblique = read("oblique");
  EXPECT_EQ(oblique.geometry.depth(), 10);
  for (std::int64_t k = 0; k < 10; ++k) {
    const Vec3d place = oblique.geometry.world_from_index({7, 3, static_cast<double>(k)});
    EXPECT_NEAR(oblique.at(k, 3, 7), field_hu(place), 1.01);
  }
  const CtVolume enhanced = read("enhanced");
  expect_even_stack(enhanced);
  expect_field(enhanced);
  expect_field(read("enhanced/all.dcm"));
}

TEST_F(Dicom, TurnsPaddingIntoAir) {
  for (const char* name : {"padding_low", "padding_high"}) {
    const CtVolume ct = read(name);
    for (std::int64_t k = 0; k < 12; ++k) EXPECT_EQ(ct.at(k, 4, 0), kMinHu) << name;
    expect_field(ct);
  }
}

TEST_F(Dicom, NeverCopiesWhoThePatientIs) {
  for (const char* name : {"plain", "archive", "tilt"}) {
    read(name);
    EXPECT_EQ(report_.to_json().find("SECRET"), std::string::npos);
  }
  for (const SeriesInfo& series : list_series(file("archive"))) {
    EXPECT_EQ((series.uid + series.description + series.why_not).find("SECRET"), std::string::npos);
  }
}

TEST_F(Dicom, RefusesWhatIsNoCtWithOneSentence) {
  const std::pair<const char*, const char*> cases[] = {
      {"mr", "it is MR, not CT"},
      {"single", "single image"},
      {"scout_only", "localiser"},
      {"placeless", "no position"},
      {"archive/dose", "no CT that can be used"},
      {"sideways", "not one volume"},
      {"truncated", "IM0005: the pixels cannot be decoded"},
      {"meta", "cannot be read as DICOM"},
      {"checksum.zip", "damaged or incomplete zip"},
      {"htj2k", "1.2.840.10008.1.2.4.201 (HTJ2K lossless)"},
      {"nothing", "without DICOM"},
      {"other", "name that file instead"},
      {"nifti.zip", "unpack the zip first"},
      {"broken.zip", "damaged or incomplete zip"},
      {"empty.zip", "zip"},
  };
  for (const auto& [name, words] : cases) {
    const std::string error = error_of([&, n = name] { read(n); });
    EXPECT_EQ(error.substr(0, 2), "2 ") << name << ": " << error;
    EXPECT_NE(error.find(words), std::string::npos) << name << ": " << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  }
  ReadOptions options;
  options.allow_other_modality = true;
  expect_field(read("mr", options));
}

TEST(DicomData, RealSeriesLiesWhereItsLabelsLie) {
  const char* const data = std::getenv("RENDERFM_TEST_DATA");
  if (data == nullptr) GTEST_SKIP() << "RENDERFM_TEST_DATA is not set";
  const std::filesystem::path folder = std::filesystem::path(data) / "ct";
  if (!std::filesystem::exists(folder / "example_dicom")) GTEST_SKIP() << folder << " has no example_dicom";
  ScanReport report;
  const CtVolume ct = read_ct(folder / "example_dicom", {}, report);
  const LabelVolume labels = read_label_image(folder / "example_dicom_labels.nii.gz", report);
  EXPECT_TRUE(report.repairs.empty()) << report.to_json();
  EXPECT_EQ(ct.geometry.shape_zyx, (std::array<std::int64_t, 3>{20, 512, 512}));
  // The labels are stored in another axis order: on the network grid both must agree voxel by voxel.
  const Geometry grid = network_grid(ct.geometry, {TargetSpacing::Kind::kMillimetres, 2.0});
  const CtVolume ct_on_grid = resample_ct(ct, grid);
  const LabelVolume labels_on_grid = resample_labels(labels, grid);
  // Vertebrae (26 to 50) are bone, labelled voxels hardly ever air; a mirrored or shifted map would not do
  // that.
  double vertebra_sum = 0;
  std::int64_t vertebra_count = 0, labelled = 0, labelled_air = 0;
  for (std::size_t v = 0; v < ct_on_grid.voxels.size(); ++v) {
    const int label = labels_on_grid.voxels[v];
    if (label >= 26 && label <= 50) {
      vertebra_sum += ct_on_grid.voxels[v];
      ++vertebra_count;
    }
    if (label > 0 && !(label >= 10 && label <= 24)) {  // but lung, airways and bowel
      ++labelled;
      labelled_air += ct_on_grid.voxels[v] < -700 ? 1 : 0;
    }
  }
  ASSERT_GT(vertebra_count, 1000);
  EXPECT_GT(vertebra_sum / static_cast<double>(vertebra_count), 120);
  EXPECT_LT(static_cast<double>(labelled_air), 0.01 * static_cast<double>(labelled));
}

}  // namespace
}  // namespace renderfm
