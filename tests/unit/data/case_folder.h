// A small case on disk, without a path tracer: a phantom at 6 mm and pictures of one colour.
#pragma once

#include <filesystem>
#include <string>

#include "renderfm/data/case.h"
#include "renderfm/image/image_io.h"
#include "support/small_scan.h"

namespace renderfm::test {

/// The description; nothing is written yet.
inline data::Case small_case(const std::filesystem::path& folder) {
  const Phantom& phantom = small_phantom();
  data::Case content;
  content.folder = folder;
  content.scan = "phantom";
  content.split = "train";
  content.tf_family = "seen";
  content.organs = {"all"};
  content.geometry = phantom.ct.geometry;
  content.ct = phantom.ct;
  content.labels_volume = phantom.labels;
  content.labels = phantom.labels.names;
  content.box = {{2, 3, 4}, {20, 21, 22}};
  content.view_sphere = {{1.25, -2.5, 1e3 / 3}, 77.1};
  content.width = 24;
  content.height = 16;
  content.rendering = {"uniform", 1.0, 2, 4, "none", 0xFFFFFFFFFFFFFFF1ULL};
  content.tf = load_transfer_function("bone");
  for (int n = 0; n < 5; ++n) {
    const std::string name = fmt::format("{:03}", n);
    const Camera camera =
        orbit_camera(content.view_sphere, 70.0 * n, 10.0 * n, content.width, content.height);
    (n < 3 ? content.train_views : content.test_views)
        .push_back({camera, name, folder / "views" / (name + ".png")});
  }
  return content;
}

/// Writes a finished case.
inline data::Case write_small_case(const std::filesystem::path& folder) {
  data::Case content = small_case(folder);
  std::filesystem::create_directories(folder / "views");
  data::write_case_files(content, {{{1, 2, 3}, {0, 0, 1}, {0.2F, 0.4F, 1}}});
  for (const auto* views : {&content.train_views, &content.test_views}) {
    for (const data::View& view : *views) {
      write_png(torch::full({3, content.height, content.width}, 0.25), view.image);
    }
  }
  static_cast<data::CaseInfo&>(content) = data::seal_case(content);
  return content;
}

}  // namespace renderfm::test
