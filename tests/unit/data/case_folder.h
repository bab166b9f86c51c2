// A small case on disk, without a path tracer: a phantom at 6 mm and pictures of one colour.
#pragma once

#include <filesystem>
#include <string>

#include "renderfm/data/case.h"
#include "renderfm/image/image_io.h"
#include "renderfm/image/pfm.h"
#include "support/small_scan.h"

namespace renderfm::test {

/// The description; nothing is written yet.
inline data::Case small_case(const std::filesystem::path& folder, bool maps = false) {
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
  content.maps = maps;
  content.rendering = {"uniform", 1.0, 2, 4, "none", 0xFFFFFFFFFFFFFFF1ULL};
  content.tf = load_transfer_function("bone");
  for (int n = 0; n < 5; ++n) {
    const std::string name = fmt::format("{:03}", n);
    const Camera camera =
        orbit_camera(content.view_sphere, 70.0 * n, 10.0 * n, content.width, content.height);
    (n < 3 ? content.train_views : content.test_views).push_back(data::make_view(camera, name, folder, maps));
  }
  return content;
}

/// Writes a finished case. Maps, where they are wanted, differ from row to row and from view to view.
inline data::Case write_case(data::Case content) {
  const std::filesystem::path& folder = content.folder;
  for (const char* part : {"views", "alpha", "depth"}) std::filesystem::create_directories(folder / part);
  data::write_case_files(content, {{{1, 2, 3}, {0, 0, 1}, {0.2F, 0.4F, 1}}});
  for (const auto* views : {&content.train_views, &content.test_views}) {
    for (const data::View& view : *views) {
      write_png(torch::full({3, content.height, content.width}, 0.25), view.image);
      if (!content.maps) continue;
      const torch::Tensor ramp = torch::linspace(0.2, 1, content.height).reshape({1, content.height, 1});
      write_png(ramp.expand({3, content.height, content.width}).contiguous(), view.alpha);
      write_pfm((ramp * 100 + std::stoi(view.name)).expand({1, content.height, content.width}).contiguous(),
                view.depth);
    }
  }
  static_cast<data::CaseInfo&>(content) = data::seal_case(content);
  return content;
}

inline data::Case write_small_case(const std::filesystem::path& folder, bool maps = false) {
  return write_case(small_case(folder, maps));
}

}  // namespace renderfm::test
