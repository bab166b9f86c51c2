// A case: one scene of a data set (a scan, or a box of one, with one look) in a folder that our trainer and
// outside 3DGS trainers read alike:
//
//   case.json               what it is (below), SHA-256 of every other file; written last: a folder without
//                           it is unfinished
//   ct.nii.gz labels.nii.gz HU and organs on an axis-aligned LPS grid: the box and its halo
//   tf.yaml                 the transfer function
//   views/NNN.png           path-traced pictures, sRGB on black
//   transforms_train.json   cameras in the NeRF convention, mm; views of the training set
//   transforms_test.json    held-out views, fewer and with less noise
//   alpha/NNN.png           where asked for (`maps`): share of a pixel's paths that met something, encoded as
//                           sRGB like the picture, three equal channels
//   depth/NNN.pfm           likewise: mm along the camera's axis to what they first met, mean over those
//                           paths, 0 where none did. Neither is denoised
//   points3d.ply            primed centres (LPS mm), colours and normals: where outside trainers start
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "renderfm/view/camera.h"
#include "renderfm/volume/crop.h"
#include "renderfm/volume/transfer_function.h"
#include "renderfm/volume/volume.h"

namespace renderfm::data {

inline constexpr int kCaseSchema = 1;

/// How the pictures of a case were made.
struct Rendering {
  std::string light;           ///< "uniform", "studio", or the name of an own rig
  double exposure = 1;         ///< linear light is multiplied by it, clamped to [0, 1] and encoded as sRGB
  int train_samples = 0;       ///< per pixel
  int test_samples = 0;        ///< per pixel; never denoised
  std::string train_denoiser;  ///< "none", or what denoised the training views
  std::uint64_t seed = 0;      ///< of the path tracer
  std::string device = "cpu";  ///< "cpu" or "cuda": the same light, not the same noise
};

struct View {
  Camera camera;
  std::string name;             ///< "012"
  std::filesystem::path image;  ///< FOLDER/views/012.png
  std::filesystem::path alpha;  ///< FOLDER/alpha/012.png; empty where the case has no maps
  std::filesystem::path depth;  ///< FOLDER/depth/012.pfm; likewise

  /// Those that the view has.
  std::vector<std::filesystem::path> files() const;
};

/// The view that goes by `name` in a case's folder.
View make_view(const Camera& camera, const std::string& name, const std::filesystem::path& folder, bool maps);

/// case.json and the cameras: everything but the volumes.
struct CaseInfo {
  std::filesystem::path folder;
  std::string name;                 ///< of the folder
  std::string scan;                 ///< the patient: cases of one scan never lie in different splits
  std::string split;                ///< "train", "validation" or "test"
  std::string tf_family;            ///< "seen" or "unseen": whether training may meet this transfer function
  std::vector<std::string> organs;  ///< as --organs takes them
  Geometry geometry;                ///< of ct.nii.gz: box and halo
  VoxelBox box;                     ///< the part of `geometry` that was path-traced
  std::map<std::uint8_t, std::string> labels;  ///< names of the labels that occur
  ViewSphere view_sphere;                      ///< of the box under all organs
  int width = 0, height = 0;                   ///< of the views, pixels
  int close_ups = 0;                           ///< of the views, the others show the whole view sphere
  bool maps = false;                           ///< the views have alpha and depth
  Rendering rendering;
  double least_test_angle_deg = 0;  ///< least angle between the axes of a held-out view and a training view
  std::string source_sha256;        ///< of the scan's voxels and labels on the network grid
  std::string plan;                 ///< fingerprint of the settings that decide the files' bytes
  std::string made_by;              ///< program version
  /// Traits of a made-up patient, as JSON values: "age_years" -> "71"; empty for a real scan.
  std::map<std::string, std::string> phantom;
  std::map<std::string, std::string> files;  ///< path within the folder -> SHA-256
  std::vector<View> train_views, test_views;
};

/// With the volumes. The network sees `ct` whole, with the mask set to 0 outside `box`; the pictures show
/// crop(ct, box) alone, as a Medium of that crop describes it.
struct Case : CaseInfo {
  CtVolume ct;
  LabelVolume labels_volume;
  TransferFunction tf;
};

/// One start point of an outside trainer.
struct StartPoint {
  Vec3f position_mm, normal, srgb;
};

/// True where the folder holds a finished case.
bool is_case(const std::filesystem::path& folder);
/// The finished cases in a data set's folder (or the folder itself, if it is a case), by name. Throws
/// kBadInput where there is none.
std::vector<std::filesystem::path> find_cases(const std::filesystem::path& root);

/// Throws kBadInput naming folder and field. Hashes are for verify_case to check.
CaseInfo read_case_info(const std::filesystem::path& folder);
Case load_case(const std::filesystem::path& folder);

/// Every file but case.json and the views; `folder` must exist. The cameras' names and images follow from
/// `train_views` and `test_views`.
void write_case_files(const Case& content, const std::vector<StartPoint>& points);
/// Hashes the files and writes case.json: the case is finished. Returns what was written.
CaseInfo seal_case(CaseInfo info);

/// Names of the files that every case has, views apart.
const std::vector<std::string>& case_file_names();

}  // namespace renderfm::data
