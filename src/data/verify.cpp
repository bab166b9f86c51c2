#include "renderfm/data/verify.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "data/start_points.h"
#include "renderfm/core/check.h"
#include "renderfm/core/progress.h"
#include "renderfm/core/sha256.h"
#include "renderfm/data/case.h"
#include "renderfm/image/image_io.h"
#include "renderfm/image/pfm.h"
#include "renderfm/volume/labels.h"

namespace renderfm::data {
namespace {

namespace fs = std::filesystem;

/// Collects sentences; what throws an Error becomes one.
class Findings {
 public:
  template <class... Args>
  void add(fmt::format_string<Args...> text, Args&&... args) {
    sentences_.push_back(fmt::format(text, std::forward<Args>(args)...));
  }
  template <class Check>
  bool run(const Check& check) {
    const std::size_t before = sentences_.size();
    try {
      check();
    } catch (const Error& error) {
      sentences_.emplace_back(error.what());
    }
    return sentences_.size() == before;
  }
  std::vector<std::string> sentences() const { return sentences_; }

 private:
  std::vector<std::string> sentences_;
};

void check_files(const CaseInfo& info, Findings& found) {
  const std::size_t views = info.train_views.size() + info.test_views.size();
  const std::size_t expected = case_file_names().size() + (info.maps ? 3 : 1) * views;
  if (info.files.size() != expected)
    found.add("case.json lists {} files instead of {}", info.files.size(), expected);
  for (const auto& [file, hash] : info.files) {
    const fs::path path = info.folder / file;
    std::error_code error;
    if (!fs::is_regular_file(path, error)) {
      found.add("{} is missing", file);
    } else if (sha256_of_file(path) != hash) {
      found.add("{} was changed or damaged since it was made (SHA-256)", file);
    }
  }
}

void check_axes(const Geometry& grid, Findings& found) {
  const Mat3d product = grid.direction * transposed(grid.direction);
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) {
      if (!(std::abs(grid.direction[i][j] - (i == j ? 1 : 0)) < 1e-6) ||
          !(std::abs(product[i][j] - (i == j ? 1 : 0)) < 1e-6)) {
        found.add("the grid's axes are not those of the patient (LPS)");
        return;
      }
    }
  }
}

void check_volumes(const Case& content, Findings& found) {
  check_axes(content.geometry, found);
  const auto [low, high] = std::minmax_element(content.ct.voxels.begin(), content.ct.voxels.end());
  if (*low < kMinHu || *high > kMaxHu) found.add("ct.nii.gz holds {} to {} HU", *low, *high);
  if (*low == *high) found.add("ct.nii.gz has one value everywhere, {} HU", *low);
  std::array<bool, 256> present{};
  for (const std::uint8_t label : content.labels_volume.voxels) present[label] = true;
  for (int label = 1; label < 256; ++label) {
    if (present[label] && content.labels.count(static_cast<std::uint8_t>(label)) == 0) {
      found.add("label {} occurs, but has no name in case.json", label);
    }
  }
}

Vec3d optical_axis(const Camera& camera) {
  return {camera.rotation[2][0], camera.rotation[2][1], camera.rotation[2][2]};
}

void check_cameras(const CaseInfo& info, Findings& found) {
  constexpr double kTolerance = 1e-4;
  const double distance_mm =
      info.view_sphere.radius_mm / std::sin(0.5 * kFieldOfViewDeg * std::numbers::pi / 180);
  int close_ups = 0;
  for (const auto* views : {&info.train_views, &info.test_views}) {
    for (const View& view : *views) {
      const Vec3d centre = view.camera.camera_from_world(info.view_sphere.centre_mm);
      const double aside_mm = std::hypot(centre.x, centre.y), radius_mm = info.view_sphere.radius_mm;
      if (aside_mm > kTolerance * distance_mm ||
          std::abs(centre.z - distance_mm) > kTolerance * distance_mm) {
        ++close_ups;
        if (aside_mm > radius_mm || std::hypot(aside_mm, centre.z) < radius_mm) {
          found.add("the camera of view {} does not look at the view sphere from outside", view.name);
        }
      }
      if (view.camera.width != info.width || view.camera.height != info.height) {
        found.add("the camera of view {} has another size than the views", view.name);
      }
    }
  }
  if (close_ups != info.close_ups) {
    found.add("{} views are nearer than the view sphere's distance, case.json says {}", close_ups,
              info.close_ups);
  }
  double least_deg = 180;
  for (const View& train : info.train_views) {
    for (const View& test : info.test_views) {
      const double cosine = dot(optical_axis(train.camera), optical_axis(test.camera));
      least_deg = std::min(least_deg, std::acos(std::clamp(cosine, -1.0, 1.0)) * 180 / std::numbers::pi);
    }
  }
  if (!info.train_views.empty() && !info.test_views.empty() &&
      std::abs(least_deg - info.least_test_angle_deg) > 0.01) {
    found.add("a test view is {:.2f} degrees from a training view, case.json says {:.2f}", least_deg,
              info.least_test_angle_deg);
  }
}

void check_maps(const CaseInfo& info, const View& view, Findings& found) {
  const torch::Tensor alpha = read_png(view.alpha)[0], depth = read_pfm(view.depth)[0];
  for (const auto& [map, file] : {std::pair(&alpha, &view.alpha), std::pair(&depth, &view.depth)}) {
    if (map->size(0) != info.height || map->size(1) != info.width) {
      found.add("{} has {} x {} pixels, case.json says {} x {}",
                file->lexically_relative(info.folder).generic_string(), map->size(1), map->size(0),
                info.width, info.height);
      return;
    }
  }
  const torch::Tensor met = alpha > 0;
  if (!(depth.isfinite() & (depth >= 0)).all().item<bool>() || (met & (depth == 0)).any().item<bool>()) {
    found.add("view {}: depth is no distance where alpha is not 0", view.name);
  }
}

void check_pictures(const CaseInfo& info, Findings& found) {
  for (const auto* views : {&info.train_views, &info.test_views}) {
    for (const View& view : *views) {
      if (info.maps) found.run([&] { check_maps(info, view, found); });
      found.run([&] {
        const torch::Tensor picture = read_png(view.image);
        if (picture.size(1) != info.height || picture.size(2) != info.width) {
          found.add("view {} has {} x {} pixels, case.json says {} x {}", view.name, picture.size(2),
                    picture.size(1), info.width, info.height);
        } else if (picture.max().item<float>() == 0) {
          found.add("view {} is black", view.name);
        }
      });
    }
  }
}

}  // namespace

std::vector<std::string> verify_case(const fs::path& folder) {
  Findings found;
  CaseInfo info;
  if (!found.run([&] { info = read_case_info(folder); })) return found.sentences();
  found.run([&] { check_files(info, found); });
  found.run([&] {
    const Case content = load_case(folder);
    check_volumes(content, found);
    select_organs(content.labels_volume, content.organs);
  });
  found.run([&] {
    if (read_start_points(folder / "points3d.ply").empty()) found.add("points3d.ply holds no point");
  });
  found.run([&] { check_cameras(info, found); });
  check_pictures(info, found);
  return found.sentences();
}

VerifySummary verify_dataset(const fs::path& root) {
  VerifySummary summary;
  std::error_code error;
  std::vector<fs::path> folders;
  if (is_case(root)) {
    folders.push_back(root);
  } else {
    if (!fs::is_directory(root, error)) fail_input("{}: there is no such folder of cases", root.string());
    for (const fs::directory_entry& entry : fs::directory_iterator(root)) {
      if (!entry.is_directory(error) || entry.path().filename().string().front() == '.') continue;
      folders.push_back(entry.path());
    }
    std::sort(folders.begin(), folders.end());
  }
  if (folders.empty()) fail_input("{} holds no case", root.string());
  Progress progress("checking", static_cast<std::int64_t>(folders.size()));
  for (const fs::path& folder : folders) {
    ++summary.cases;
    for (const std::string& sentence : verify_case(folder)) {
      summary.problems.push_back(folder.filename().string() + ": " + sentence);
    }
    if (is_case(folder)) {
      try {
        const CaseInfo info = read_case_info(folder);
        summary.views += static_cast<int>(info.train_views.size() + info.test_views.size());
      } catch (const Error&) {  // told above
      }
    }
    progress.advance();
  }
  return summary;
}

}  // namespace renderfm::data
