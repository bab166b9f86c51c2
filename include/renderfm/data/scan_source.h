// Where scans come from: files, made-up patients, and data sets as they lie on a cluster.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "renderfm/volume/phantom.h"
#include "renderfm/volume/scene.h"

namespace renderfm::data {

/// What is cut out of a scan.
struct SceneWish {
  std::string spacing = "auto";  ///< of boxes, and of whole scans where there are no boxes
  int boxes = 0;                 ///< per scan and look
  int box_voxels = 96;
  int halo_voxels = 16;            ///< around a box, where the scan has them
  double least_foreground = 0.02;  ///< share of a box that must be visible
  int whole = 1;                   ///< 1: the whole scan too
  double whole_spacing_mm = 3;     ///< of whole scans beside boxes
};

/// How many views a case has.
struct ViewCounts {
  int train = 48, test = 12;
};

/// One scan, not yet read.
struct ScanSource {
  std::string id;                         ///< unique in a data set, fit for a folder's name: "s0001"
  std::string split;                      ///< "train", "validation", "test"; "" where nobody said
  SceneOptions files;                     ///< spacing apart
  std::optional<PhantomOptions> phantom;  ///< instead of files
  SceneWish scenes;                       ///< set by list_scans
  ViewCounts views{};                     ///< likewise
  bool estimate_labels = false;           ///< pass its labels by; set by list_scans
};

/// TotalSegmentator as downloaded: ROOT/sXXXX/{ct.nii.gz, segmentations/<organ>.nii.gz}, the split from
/// ROOT/meta.csv (columns image_id and split). Throws kBadInput naming what is missing; scans that lack files
/// are left out with a warning.
std::vector<ScanSource> total_segmentator_scans(const std::filesystem::path& root);

/// CT-ORG: volume-N.nii.gz and labels-N.nii.gz (1 liver, 2 bladder, 3 lungs, 4 kidneys, 5 bone, 6 brain), in
/// ROOT or a folder below. Scans 0 to 20 are its test set (Rister et al. 2020).
std::vector<ScanSource> ct_org_scans(const std::filesystem::path& root);

/// nnU-Net raw data: dataset.json, imagesTr/CASE_0000.EXT, labelsTr/CASE.EXT, and imagesTs (labelsTs) as the
/// test set. Names of labels come from dataset.json, of version 1 or 2; its first channel must be CT.
std::vector<ScanSource> nnunet_scans(const std::filesystem::path& root);

/// A scan of its own; the id is made from the file's name, or its folder's where that is only "ct".
ScanSource scan_from_file(const SceneOptions& files);

/// Reads the scan, or makes the phantom, on the network grid at `spacing`.
Scene load_source(const ScanSource& source, const TargetSpacing& spacing);

/// Fingerprint of a scene's voxels, labels and grid.
std::string scene_sha256(const Scene& scene);

}  // namespace renderfm::data
