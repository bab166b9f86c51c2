#include "renderfm/data/case.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "data/case_json.h"
#include "data/start_points.h"
#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/core/sha256.h"
#include "renderfm/view/cameras_json.h"
#include "renderfm/volume/image_io.h"

namespace renderfm::data {
namespace {

namespace fs = std::filesystem;

constexpr const char* kManifest = "case.json";
constexpr const char* kViewFolder = "views/";  // as transforms.json has it
// NIfTI keeps origin and spacing as 32-bit floats.
constexpr double kGridTolerance_mm = 0.01;

std::string read_text(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) fail_input("cannot read {}: no such file, or no permission", path.string());
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::vector<NamedCamera> cameras_of(const std::vector<View>& views) {
  std::vector<NamedCamera> cameras;
  for (const View& view : views) cameras.push_back({view.camera, view.name});
  return cameras;
}

std::vector<View> read_views(const fs::path& folder, const char* file, std::size_t expected, bool maps) {
  if (expected == 0) return {};
  std::vector<View> views;
  for (const NamedCamera& named : read_cameras_json(folder / file)) {
    views.push_back(make_view(named.camera, named.name, folder, maps));
  }
  if (views.size() != expected) {
    fail_input("{} has {} cameras, but {} says {}", (folder / file).string(), views.size(),
               (folder / kManifest).string(), expected);
  }
  return views;
}

void check_grid(const Geometry& found, const CaseInfo& info, const char* file) {
  if (!same_grid(found, info.geometry, kGridTolerance_mm)) {
    fail_input("{}: its grid is not the one that {} describes (shape, spacing, origin or axes)",
               (info.folder / file).string(), kManifest);
  }
}

}  // namespace

std::vector<fs::path> View::files() const {
  return alpha.empty() ? std::vector{image} : std::vector{image, alpha, depth};
}

View make_view(const Camera& camera, const std::string& name, const fs::path& folder, bool maps) {
  View view{camera, name, folder / "views" / (name + ".png"), {}, {}};
  if (maps) {
    view.alpha = folder / "alpha" / (name + ".png");
    view.depth = folder / "depth" / (name + ".pfm");
  }
  return view;
}

const std::vector<std::string>& case_file_names() {
  static const std::vector<std::string> names = {
      "ct.nii.gz", "labels.nii.gz",        "points3d.ply",
      "tf.yaml",   "transforms_test.json", "transforms_train.json"};
  return names;
}

bool is_case(const fs::path& folder) {
  std::error_code error;
  return fs::is_regular_file(folder / kManifest, error);
}

std::vector<fs::path> find_cases(const fs::path& root) {
  if (is_case(root)) return {root};
  std::error_code error;
  std::vector<fs::path> cases;
  if (!fs::is_directory(root, error)) fail_input("{}: there is no such folder of cases", root.string());
  for (const fs::directory_entry& entry : fs::directory_iterator(root)) {
    if (entry.is_directory(error) && is_case(entry.path())) cases.push_back(entry.path());
  }
  if (cases.empty()) {
    fail_input("{} holds no finished case (a folder with case.json); make some with renderfm-prepare",
               root.string());
  }
  std::sort(cases.begin(), cases.end());
  return cases;
}

CaseInfo read_case_info(const fs::path& folder) {
  const fs::path manifest = folder / kManifest;
  if (!is_case(folder)) {
    fail_input("{} is no finished case: {} is missing; run renderfm-prepare again to finish it",
               folder.string(), kManifest);
  }
  CaseInfo info = case_from_json(read_text(manifest), manifest.string());
  info.folder = folder;
  info.name = (folder.has_filename() ? folder : folder.parent_path()).filename().string();
  info.train_views = read_views(folder, "transforms_train.json", info.train_views.size(), info.maps);
  info.test_views = read_views(folder, "transforms_test.json", info.test_views.size(), info.maps);
  return info;
}

Case load_case(const fs::path& folder) {
  Case result;
  static_cast<CaseInfo&>(result) = read_case_info(folder);
  ScanReport report;
  result.ct = read_ct(folder / "ct.nii.gz", {}, report);
  check_grid(result.ct.geometry, result, "ct.nii.gz");
  result.labels_volume = read_label_image(folder / "labels.nii.gz", report);
  check_grid(result.labels_volume.geometry, result, "labels.nii.gz");
  result.ct.geometry = result.labels_volume.geometry = result.geometry;
  result.labels_volume.names = result.labels;
  result.tf = load_transfer_function((folder / "tf.yaml").string());
  return result;
}

void write_case_files(const Case& content, const std::vector<StartPoint>& points) {
  const fs::path& folder = content.folder;
  write_nifti(content.ct, folder / "ct.nii.gz");
  write_nifti(content.labels_volume, folder / "labels.nii.gz");
  AtomicFile tf(folder / "tf.yaml");
  tf.write(to_yaml(content.tf));
  tf.commit();
  write_cameras_json(cameras_of(content.train_views), folder / "transforms_train.json", kViewFolder);
  write_cameras_json(cameras_of(content.test_views), folder / "transforms_test.json", kViewFolder);
  write_start_points(points, folder / "points3d.ply");
}

CaseInfo seal_case(CaseInfo info) {
  info.files.clear();
  for (const std::string& name : case_file_names()) info.files[name] = sha256_of_file(info.folder / name);
  for (const auto* views : {&info.train_views, &info.test_views}) {
    for (const View& view : *views) {
      for (const fs::path& file : view.files()) {
        info.files[file.lexically_relative(info.folder).generic_string()] = sha256_of_file(file);
      }
    }
  }
  AtomicFile manifest(info.folder / kManifest);
  manifest.write(case_to_json(info));
  manifest.commit();
  return info;
}

}  // namespace renderfm::data
