// A fake tree of every data set, as it lies on a cluster.
#include <gtest/gtest.h>

#include <fstream>

#include "renderfm/data/scan_source.h"
#include "support/scan_files.h"
#include "support/small_scan.h"

namespace renderfm {
namespace {

namespace fs = std::filesystem;

void write_text(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

/// The small phantom's labels under the data set's own numbers, without names.
LabelVolume numbered(const std::map<std::string, std::uint8_t>& numbers) {
  LabelVolume labels = test::small_phantom().labels;
  std::array<std::uint8_t, 256> number{};
  for (const auto& [label, name] : labels.names) {
    const auto found = numbers.find(name);
    if (found != numbers.end()) number[label] = found->second;
  }
  for (std::uint8_t& voxel : labels.voxels) voxel = number[voxel];
  labels.names.clear();
  return labels;
}

TEST(TotalSegmentator, IsTakenAsDownloaded) {
  const test::ScratchFolder scratch;
  const fs::path root = scratch / "ts";
  write_text(root / "meta.csv",
             "image_id;age;gender;institute;study_type;split;manufacturer\r\n"
             "s0000;74;m;C;ct abdomen;val;\r\ns0001;70;m;C;ct thorax;train;\r\ns0009;;;;;test;\r\n");
  const Phantom& phantom = test::small_phantom();
  for (const char* id : {"s0000", "s0001"}) {
    fs::create_directories(root / id / "segmentations");
    write_nifti(phantom.ct, root / id / "ct.nii.gz");
    for (const char* organ : {"liver", "aorta"}) {
      LabelVolume mask = numbered({{organ, 1}});
      write_nifti(mask, root / id / "segmentations" / (std::string(organ) + ".nii.gz"));
    }
  }
  const std::vector<data::ScanSource> scans = data::total_segmentator_scans(root);
  ASSERT_EQ(scans.size(), 2U);  // s0009 has no files
  EXPECT_EQ(scans[0].id, "s0000");
  EXPECT_EQ(scans[0].split, "validation");
  EXPECT_EQ(scans[1].split, "train");
  const Scene scene = data::load_source(scans[1], {TargetSpacing::Kind::kMillimetres, 6});
  EXPECT_EQ(scene.ct.geometry.shape_zyx, phantom.ct.geometry.shape_zyx);
  EXPECT_EQ(scene.labels.names.at(5), "liver");
  EXPECT_EQ(scene.labels.names.at(52), "aorta");

  fs::remove(root / "meta.csv");
  EXPECT_NE(test::error_of([&] { data::total_segmentator_scans(root); }).find("meta.csv cannot be read"),
            std::string::npos);
}

TEST(CtOrg, IsTakenAsDownloaded) {
  const test::ScratchFolder scratch;
  const fs::path root = scratch / "ctorg/OrganSegmentations";
  fs::create_directories(root);
  for (const int number : {3, 21, 100}) {
    write_nifti(test::small_phantom().ct, root / fmt::format("volume-{}.nii.gz", number));
  }
  for (const int number : {3, 100}) {
    write_nifti(numbered({{"liver", 1}, {"urinary_bladder", 2}}),
                root / fmt::format("labels-{}.nii.gz", number));
  }
  const std::vector<data::ScanSource> scans = data::ct_org_scans(scratch / "ctorg");
  ASSERT_EQ(scans.size(), 2U);  // 21 has no labels
  EXPECT_EQ(scans[0].id, "ctorg_003");
  EXPECT_EQ(scans[0].split, "test");
  EXPECT_EQ(scans[1].split, "train");
  const Scene scene = data::load_source(scans[0], {TargetSpacing::Kind::kMillimetres, 6});
  EXPECT_EQ(scene.labels.names.at(1), "liver");
}

TEST(NnUnet, IsTakenAsItIsInBothVersions) {
  const test::ScratchFolder scratch;
  for (const bool second : {false, true}) {
    const fs::path root = scratch / (second ? "v2" : "v1");
    write_text(root / "dataset.json",
               second ? R"({"channel_names":{"0":"CT"},"labels":{"background":0,"liver":1,"left lung":2},
                            "numTraining":1,"file_ending":".nii.gz"})"
                      : R"({"modality":{"0":"CT"},"labels":{"0":"background","1":"liver","2":"left lung"},
                            "numTraining":1})");
    for (const char* folder : {"imagesTr", "labelsTr", "imagesTs"}) fs::create_directories(root / folder);
    write_nifti(test::small_phantom().ct, root / "imagesTr/liver_001_0000.nii.gz");
    write_nifti(numbered({{"liver", 1}}), root / "labelsTr/liver_001.nii.gz");
    write_nifti(test::small_phantom().ct, root / "imagesTs/liver_002_0000.nii.gz");
    const std::vector<data::ScanSource> scans = data::nnunet_scans(root);
    ASSERT_EQ(scans.size(), 2U);
    EXPECT_EQ(scans[0].id, "liver_001");
    EXPECT_EQ(scans[0].split, "");  // drawn by the config
    EXPECT_EQ(scans[0].files.label_names.at(2), "left_lung");
    EXPECT_EQ(scans[1].split, "test");
    EXPECT_TRUE(scans[1].files.labels.empty());
    const Scene scene = data::load_source(scans[0], {TargetSpacing::Kind::kMillimetres, 6});
    EXPECT_EQ(scene.labels.names.at(1), "liver");
  }
}

TEST(NnUnet, OfAnotherModalityOrWithRegionsIsRefused) {
  const test::ScratchFolder scratch;
  const auto error = [&](const std::string& json) {
    write_text(scratch / "set/dataset.json", json);
    return test::error_of([&] { data::nnunet_scans(scratch / "set"); });
  };
  EXPECT_NE(error(R"({"channel_names":{"0":"T2"},"labels":{}})").find("'T2', not CT"), std::string::npos);
  EXPECT_NE(error(R"({"channel_names":{"0":"CT"},"labels":{"whole":[1,2]}})").find("region"),
            std::string::npos);
  EXPECT_NE(error(R"({"labels":)").find("no nnU-Net dataset.json"), std::string::npos);
  EXPECT_NE(error(R"({"channel_names":{"0":"CT"},"labels":{"a":300}})").find("300"), std::string::npos);
}

}  // namespace
}  // namespace renderfm
