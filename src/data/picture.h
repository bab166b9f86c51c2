// Between planes of floats and the files of a view.
#pragma once

#include <filesystem>
#include <vector>

#include "renderfm/data/case.h"
#include "renderfm/data/view_renderer.h"

namespace renderfm::data {

/// The files of a view. Each is atomic; the picture comes last, so that where it is, its maps are.
void write_view(const ViewImages& images, const View& view);
/// About how many bytes these files have.
double view_bytes(const ViewImages& images, const View& view);

/// One page with views of each case, the last of them held out: four views where there are few cases, one
/// (of the training views) where there are many; at most 64 cases, evenly chosen. Atomic.
void write_overview(const std::vector<std::filesystem::path>& cases, const std::filesystem::path& path);

}  // namespace renderfm::data
