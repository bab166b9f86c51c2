// NIfTI, NRRD and MetaImage against nibabel and against closed forms.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>

#include "renderfm/volume/image_io.h"
#include "renderfm/volume/resample.h"
#include "support/scan_files.h"
#include "volume/io/nifti_extension.h"

namespace renderfm {
namespace {

using test::error_of;
using test::has_repair;
using test::Probe;
using test::read_probes;

class ImageIo : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (test::python_has("nibabel, numpy")) files_ = std::make_unique<test::ScanFiles>("make_nifti_scans.py");
  }
  static void TearDownTestSuite() { files_.reset(); }
  void SetUp() override {
    if (!files_) GTEST_SKIP() << "needs Python with nibabel and numpy (scripts/setup.sh --tests)";
    ASSERT_TRUE(files_->complete());
  }
  static std::filesystem::path file(const std::string& name) { return *files_ / name; }
  std::filesystem::path scratch(const std::string& name) const { return scratch_ / name; }

  static CtVolume read(const std::filesystem::path& path, const ReadOptions& options = {}) {
    report_ = {};
    return read_ct(path.is_absolute() ? path : file(path.string()), options, report_);
  }

  // Every probe must be the centre of a voxel with that value. 2e-4 of a voxel: float32 headers, 200 mm from
  // 0.
  static void expect_probes(const CtVolume& ct, const std::string& probes_name) {
    const std::vector<Probe> probes = read_probes(file(probes_name + ".probes"));
    ASSERT_GE(probes.size(), 50u) << probes_name;
    for (const Probe& probe : probes) {
      const Vec3d index = ct.geometry.index_from_world(probe.point_mm);
      const Vec3d whole{std::nearbyint(index.x), std::nearbyint(index.y), std::nearbyint(index.z)};
      ASSERT_LT(norm(index - whole), 2e-4) << probes_name;
      const auto k = static_cast<std::int64_t>(whole.z), j = static_cast<std::int64_t>(whole.y),
                 i = static_cast<std::int64_t>(whole.x);
      ASSERT_TRUE(k >= 0 && k < ct.geometry.depth() && j >= 0 && j < ct.geometry.height() && i >= 0 &&
                  i < ct.geometry.width())
          << probes_name;
      // Halves round either way.
      ASSERT_NEAR(ct.at(k, j, i), probe.value, 0.5001)
          << probes_name << " at voxel " << i << ' ' << j << ' ' << k;
    }
  }

  static std::unique_ptr<test::ScanFiles> files_;
  static ScanReport report_;
  test::ScratchFolder scratch_;
};
std::unique_ptr<test::ScanFiles> ImageIo::files_;
ScanReport ImageIo::report_;

TEST_F(ImageIo, PlacesVoxelsWhereNibabelDoesForAll48AxisOrders) {
  for (int order = 0; order < 48; ++order) {
    const std::string name = fmt::format("order{:02d}", order);
    const CtVolume ct = read(name + ".nii.gz");
    EXPECT_TRUE(report_.repairs.empty()) << name;
    expect_probes(ct, name);
    // Brought to the network grid, the same values stand at the same places, copied.
    const Geometry grid = network_grid(ct.geometry, {});
    for (int row = 0; row < 3; ++row) {
      for (int column = 0; column < 3; ++column)
        EXPECT_EQ(grid.direction[row][column], row == column ? 1 : 0);
    }
    expect_probes(resample_ct(ct, grid), name);
  }
}

TEST_F(ImageIo, PlacesVoxelsWhereNibabelDoesForObliqueAndUnusualHeaders) {
  for (const char* name : {"oblique0", "oblique1", "qform_only", "sform_wins", "no_orientation", "nifti2",
                           "type_int32", "type_uint16", "type_float32", "type_float64", "type_int8", "scaled",
                           "metres", "wrong_unit", "no_intercept", "padding"}) {
    SCOPED_TRACE(name);
    expect_probes(read(fmt::format("{}.nii.gz", name)), name);
  }
  expect_probes(read("big_endian.nii"), "big_endian");
}

TEST_F(ImageIo, ReadsAFileWhoseSuffixLies) { expect_probes(read("plain.nrrd"), "plain"); }

TEST_F(ImageIo, ReportsWhatItRepaired) {
  const std::pair<const char*, const char*> cases[] = {{"no_orientation.nii.gz", "no_orientation"},
                                                       {"wrong_unit.nii.gz", "wrong_unit"},
                                                       {"no_intercept.nii.gz", "missing_intercept"},
                                                       {"padding.nii.gz", "padding"},
                                                       {"broken_sform.nii", "broken_sform"}};
  for (const auto& [name, code] : cases) {
    read(name);
    EXPECT_TRUE(has_repair(report_, code)) << name << report_.to_json();
  }
  read("oblique0.nii.gz");
  EXPECT_TRUE(report_.repairs.empty()) << report_.to_json();
}

TEST_F(ImageIo, TakesOneTimePointAndSaysWhich) {
  ReadOptions options;
  options.time_point = 2;
  expect_probes(read("time.nii.gz", options), "time");
  EXPECT_FALSE(has_repair(report_, "time_point"));
  expect_probes(read("time.nii.gz"), "time_first");
  EXPECT_TRUE(has_repair(report_, "time_point"));
  options.time_point = 4;
  EXPECT_EQ(error_of([&] { read("time.nii.gz", options); }).substr(0, 2), "2 ");
}

TEST_F(ImageIo, ResamplesShearedAxesOntoStraightOnes) {
  for (const char* name : {"shear_tilt", "shear_general"}) {
    const CtVolume ct = read(fmt::format("{}.nii.gz", name));
    EXPECT_TRUE(has_repair(report_, "non_orthonormal_axes")) << name;
    const Mat3d product = transposed(ct.geometry.direction) * ct.geometry.direction;
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j) EXPECT_NEAR(product[i][j], i == j ? 1 : 0, 1e-12);
    }
    // The field is linear in space, so trilinear values between voxels must match but for rounding to whole
    // HU.
    for (const Probe& probe : read_probes(file(fmt::format("{}.probes", name)))) {
      const Vec3d index = ct.geometry.index_from_world(probe.point_mm);
      double value = 0;
      for (int corner = 0; corner < 8; ++corner) {
        const Vec3d low{std::floor(index.x), std::floor(index.y), std::floor(index.z)};
        const Vec3d fraction = index - low;
        const std::int64_t dx = corner & 1, dy = (corner >> 1) & 1, dz = corner >> 2;
        const double weight = (dx != 0 ? fraction.x : 1 - fraction.x) *
                              (dy != 0 ? fraction.y : 1 - fraction.y) *
                              (dz != 0 ? fraction.z : 1 - fraction.z);
        if (weight < 1e-9) continue;
        const auto k = static_cast<std::int64_t>(low.z) + dz, j = static_cast<std::int64_t>(low.y) + dy,
                   i = static_cast<std::int64_t>(low.x) + dx;
        ASSERT_TRUE(k >= 0 && k < ct.geometry.depth() && j >= 0 && j < ct.geometry.height() && i >= 0 &&
                    i < ct.geometry.width());
        value += weight * ct.at(k, j, i);
      }
      ASSERT_NEAR(value, probe.value, 1.5) << name;
    }
  }
}

TEST_F(ImageIo, TakesTheNearestStraightAxesForRoundedOnes) {
  const CtVolume ct = read("shear_tiny.nii.gz");
  EXPECT_FALSE(has_repair(report_, "non_orthonormal_axes"));
  EXPECT_EQ(ct.geometry.shape_zyx, (std::array<std::int64_t, 3>{16, 24, 20}));
  for (const Probe& probe : read_probes(file("shear_tiny.probes"))) {
    const Vec3d index = ct.geometry.index_from_world(probe.point_mm);
    const Vec3d whole{std::nearbyint(index.x), std::nearbyint(index.y), std::nearbyint(index.z)};
    // 0.03 degrees over 12 mm.
    EXPECT_LT(norm(index - whole), 0.01);
  }
}

TEST_F(ImageIo, RefusesBadInputWithOneSentenceThatNamesTheFile) {
  const std::pair<const char*, const char*> cases[] = {
      {"missing.nii.gz", "no such file"},
      {"bad/empty.nii.gz", "is empty"},
      {"bad/text.nii.gz", "not an image"},
      {"bad/picture.png", "not an image"},
      {"bad/header_only.nii", "not an image"},
      {"bad/truncated.nii", "cut short"},
      {"bad/truncated.nii.gz", "cut short"},
      {"bad/no_checksum.nii.gz", "cut short"},
      {"bad/damaged.nii.gz", "damaged"},
      {"bad/huge.nii", "impossible size"},
      {"bad/negative_size.nii", "impossible size"},
      {"bad/flat.nii.gz", "2-dimensional"},
      {"bad/one_slice.nii.gz", "two-dimensional"},
      {"bad/rgb.nii.gz", "RGB"},
      {"bad/complex.nii.gz", "real number"},
      {"bad/vector.nii.gz", "values per voxel"},
      {"bad/air.nii.gz", "nothing but air"},
      {"bad/nan.nii.gz", "2 voxels that are not finite"},
      {"bad/mr.nii.gz", "not hold Hounsfield units"},
      {"bad/zero_spacing.nii", "voxel size"},
      {"bad/negative_spacing.nii", "voxel size"},
      {"bad/nan_spacing.nii", "voxel size"},
  };
  for (const auto& [name, words] : cases) {
    const std::string error = error_of([&, n = name] { read(n); });
    EXPECT_EQ(error.substr(0, 2), "2 ") << name << ": " << error;
    EXPECT_NE(error.find(words), std::string::npos) << name << ": " << error;
    EXPECT_NE(error.find(std::filesystem::path(name).filename().string()), std::string::npos) << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  }
}

TEST_F(ImageIo, ReadsLabelsAndRefusesFractions) {
  ScanReport report;
  const LabelVolume labels = read_label_image(file("labels.nii.gz"), report);
  const LabelVolume as_float = read_label_image(file("labels_float.nii.gz"), report);
  EXPECT_EQ(labels.voxels, as_float.voxels);
  EXPECT_GT(*std::max_element(labels.voxels.begin(), labels.voxels.end()), 100);
  for (const char* name : {"bad/labels_fraction.nii.gz", "bad/labels_many.nii.gz"}) {
    const std::string error = error_of([&] { read_label_image(file(name), report); });
    EXPECT_NE(error.find("is not a label map"), std::string::npos) << error;
  }
}

TEST_F(ImageIo, ReadsLabelNamesFromTheExtension) {
  const std::map<std::uint8_t, std::string> expected{{5, "liver"}, {52, "aorta & arch"}};
  EXPECT_EQ(read_label_names(file("labels_named.nii.gz")), expected);
  EXPECT_TRUE(read_label_names(file("labels.nii.gz")).empty());
  EXPECT_TRUE(read_label_names(file("nifti2.nii.gz")).empty());
  LabelVolume labels;
  labels.geometry.shape_zyx = {2, 2, 2};
  labels.voxels.assign(8, 5);
  labels.names = {{5, "tricky ]]> \"name\" <&>"}, {255, "last"}};
  write_nifti(labels, scratch("tricky.nii.gz"));
  const auto names = read_label_names(scratch("tricky.nii.gz"));
  EXPECT_EQ(names.at(5), "tricky ]]  \"name\" <&>");
  EXPECT_EQ(names.at(255), "last");
}

TEST_F(ImageIo, WritesWhatNibabelReadsAndReadsItBackEqual) {
  const CtVolume ct = read("oblique0.nii.gz");
  LabelVolume labels;
  labels.geometry = ct.geometry;
  labels.voxels.assign(ct.voxels.size(), 0);
  labels.voxels[7] = 5;
  labels.voxels[8] = 52;
  labels.names = {{5, "liver"}, {52, "aorta & <arch>"}};
  for (const char* suffix : {".nii.gz", ".nii"}) {
    const auto ct_path = scratch(fmt::format("written{}", suffix)),
               label_path = scratch(fmt::format("label{}", suffix));
    write_nifti(ct, ct_path);
    write_nifti(labels, label_path);
    ScanReport report;
    const CtVolume again = read_ct(ct_path, {}, report);
    EXPECT_EQ(again.voxels, ct.voxels);
    EXPECT_TRUE(same_grid(again.geometry, ct.geometry, 1e-3));
    EXPECT_EQ(read_label_image(label_path, report).voxels, labels.voxels);
    const std::string command =
        fmt::format("{} {}/tests/support/check_nifti.py {} {} {}", test::python(), RENDERFM_SOURCE_DIR,
                    file("oblique0.nii.gz").string(), ct_path.string(), label_path.string());
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
  }
}

TEST_F(ImageIo, WritesNothingWhereItCannotWriteAll) {
  const CtVolume ct = read("oblique0.nii.gz");
  EXPECT_EQ(error_of([&] { write_nifti(ct, scratch("no_such_folder/out.nii.gz")); }).substr(0, 2), "2 ");
  EXPECT_EQ(error_of([&] { write_nifti(ct, scratch("out.png")); }).substr(0, 2), "2 ");
  EXPECT_FALSE(std::filesystem::exists(scratch("out.png")));
}

// NRRD and MetaImage are text headers over raw data: written here by hand from their specifications.
class TextHeader : public ImageIo {
 protected:
  static std::vector<std::int16_t> ramp() {
    std::vector<std::int16_t> values(4 * 3 * 5);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int16_t>(10 * i) - 300;
    return values;
  }
  void save(const std::string& name, const std::string& header, std::size_t drop_bytes = 0) const {
    std::ofstream stream(scratch(name), std::ios::binary);
    const std::vector<std::int16_t> values = ramp();
    stream << header;
    stream.write(reinterpret_cast<const char*>(values.data()),
                 static_cast<std::streamsize>(values.size() * 2 - drop_bytes));
  }
  static std::string nrrd(const std::string& space, const std::string& directions) {
    return "NRRD0004\ntype: short\ndimension: 3\nspace: " + space +
           "\nsizes: 4 3 5\nspace directions: " + directions +
           "\nkinds: domain domain domain\nendian: little\nencoding: raw\nspace origin: (10,20,30)\n\n";
  }
  static std::string meta(const std::string& spacing) {
    return "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
           "CompressedData = False\nTransformMatrix = 0 1 0 -1 0 0 0 0 1\nOffset = 10 20 30\nElementSpacing "
           "= " +
           spacing + "\nDimSize = 4 3 5\nElementType = MET_SHORT\nElementDataFile = LOCAL\n";
  }
};

TEST_F(TextHeader, NrrdIsPlacedByItsSpace) {
  save("lps.nrrd", nrrd("left-posterior-superior", "(0,2,0) (-1.5,0,0) (0,0,3)"));
  const CtVolume lps = read(scratch("lps.nrrd"));
  EXPECT_EQ(lps.voxels, ramp());
  const Vec3d corner = lps.geometry.world_from_index({3, 2, 4});
  EXPECT_NEAR(corner.x, 10 - 1.5 * 2, 1e-9);
  EXPECT_NEAR(corner.y, 20 + 2 * 3, 1e-9);
  EXPECT_NEAR(corner.z, 30 + 3 * 4, 1e-9);
  save("ras.nrrd", nrrd("right-anterior-superior", "(0,2,0) (-1.5,0,0) (0,0,3)"));
  const Vec3d flipped = read(scratch("ras.nrrd")).geometry.world_from_index({3, 2, 4});
  EXPECT_NEAR(flipped.x, -corner.x, 1e-9);
  EXPECT_NEAR(flipped.y, -corner.y, 1e-9);
  EXPECT_NEAR(flipped.z, corner.z, 1e-9);
}

TEST_F(TextHeader, MetaImageIsPlacedByItsTransform) {
  save("scan.mha", meta("2 1.5 3"));
  const CtVolume ct = read(scratch("scan.mha"));
  EXPECT_EQ(ct.voxels, ramp());
  const Vec3d corner = ct.geometry.world_from_index({3, 2, 4});
  EXPECT_NEAR(corner.x, 10 - 1.5 * 2, 1e-9);
  EXPECT_NEAR(corner.y, 20 + 2 * 3, 1e-9);
  EXPECT_NEAR(corner.z, 30 + 3 * 4, 1e-9);
}

TEST_F(TextHeader, BadFilesAreRefused) {
  save("short.nrrd", nrrd("left-posterior-superior", "(2,0,0) (0,1.5,0) (0,0,3)"), 30);
  save("short.mha", meta("2 1.5 3"), 30);
  save("zero.mha", meta("2 0 3"));
  save("negative.mha", meta("2 -1 3"));
  save("plane.nrrd", nrrd("left-posterior-superior", "(2,0,0) (2,0,0) (0,0,3)"));
  save("zero.nrrd", nrrd("left-posterior-superior", "(2,0,0) (0,0,0) (0,0,3)"));
  std::string endless = meta("2 1.5 3");
  save("endless.mha", endless.replace(endless.find("NDims = 3"), 9, "NDims = -3"));
  for (const char* name :
       {"endless.mha", "short.nrrd", "short.mha", "zero.mha", "negative.mha", "plane.nrrd", "zero.nrrd"}) {
    const std::string error = error_of([&] { read(scratch(name)); });
    EXPECT_EQ(error.substr(0, 2), "2 ") << name << ": " << error;
    EXPECT_NE(error.find(name), std::string::npos) << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  }
}

}  // namespace
}  // namespace renderfm
