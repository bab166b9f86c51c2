#include "renderfm/train/posed_views.h"

#include <fmt/core.h>

#include <utility>

#include "renderfm/core/check.h"
#include "renderfm/core/log.h"
#include "renderfm/image/image_io.h"
#include "renderfm/view/cameras_json.h"

namespace renderfm {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHeldOutEvery = 5;
constexpr std::size_t kNamedMissing = 3;

void fail_missing(const fs::path& json, const std::vector<fs::path>& missing, std::size_t frames) {
  std::string names;
  for (std::size_t n = 0; n < missing.size() && n < kNamedMissing; ++n) {
    names += (n == 0 ? "" : ", ") + missing[n].string();
  }
  if (missing.size() > kNamedMissing) names += fmt::format(" and {} more", missing.size() - kNamedMissing);
  fail_input("{}: {} of {} frames have no picture: {}", json.string(), missing.size(), frames, names);
}

}  // namespace

std::vector<PosedView> read_posed_views(const fs::path& json) {
  const std::vector<NamedCamera> cameras = read_cameras_json(json);
  const std::vector<fs::path> files = read_image_paths(json);
  std::vector<fs::path> missing;
  for (const fs::path& file : files) {
    if (!fs::is_regular_file(file)) missing.push_back(file);
  }
  if (!missing.empty()) fail_missing(json, missing, files.size());

  std::vector<PosedView> views;
  int with_alpha = 0;
  for (std::size_t n = 0; n < cameras.size(); ++n) {
    const Camera& camera = cameras[n].camera;
    const Picture picture = read_picture(files[n]);
    with_alpha += picture.had_alpha ? 1 : 0;
    if (picture.srgb.size(1) != camera.height || picture.srgb.size(2) != camera.width) {
      fail_input("{} is {} x {} pixels, its camera in {} says {} x {}", files[n].string(),
                 picture.srgb.size(2), picture.srgb.size(1), json.string(), camera.width, camera.height);
    }
    const Camera& first = cameras.front().camera;
    if (camera.width != first.width || camera.height != first.height) {
      fail_input("{}: frame {} is {} x {} pixels, frame {} is {} x {}; all views must have one size",
                 json.string(), cameras[n].name, camera.width, camera.height, cameras.front().name,
                 first.width, first.height);
    }
    views.push_back({camera, picture.srgb, cameras[n].name});
  }
  if (with_alpha > 0) {
    log_info("{}: pictures with an alpha channel ({} of {}) are laid on black, as Gaussians are drawn",
             json.string(), with_alpha, views.size());
  }
  return views;
}

ViewSplit split_views(std::vector<PosedView> views) {
  ViewSplit split;
  if (views.size() == 1) {
    log_warning("there is a single view: it is learnt from and judged by, so nothing says how others look");
    split.train = views;
    split.held_out = std::move(views);
    return split;
  }
  // From the middle of each five, so that two views give one of each.
  const std::size_t every = std::min(kHeldOutEvery, views.size());
  for (std::size_t n = 0; n < views.size(); ++n) {
    (n % every == every / 2 ? split.held_out : split.train).push_back(std::move(views[n]));
  }
  return split;
}

ViewSplit read_view_split(const fs::path& folder_or_json) {
  if (!fs::exists(folder_or_json)) fail_input("there is no {}", folder_or_json.string());
  if (!fs::is_directory(folder_or_json)) return split_views(read_posed_views(folder_or_json));
  const fs::path test = folder_or_json / "transforms_test.json";
  for (const char* name : {"transforms_train.json", "transforms.json"}) {
    const fs::path train = folder_or_json / name;
    if (!fs::exists(train)) continue;
    if (!fs::exists(test)) return split_views(read_posed_views(train));
    ViewSplit split{read_posed_views(train), read_posed_views(test), true};
    const Camera &a = split.train.front().camera, &b = split.held_out.front().camera;
    if (a.width != b.width || a.height != b.height) {
      fail_input("{}: training views are {} x {} pixels, test views {} x {}; all must have one size",
                 folder_or_json.string(), a.width, a.height, b.width, b.height);
    }
    return split;
  }
  fail_input("{} has no cameras: neither transforms_train.json nor transforms.json is there",
             folder_or_json.string());
}

}  // namespace renderfm
