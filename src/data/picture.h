// Between planes of floats and PNG files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "renderfm/data/case.h"

namespace renderfm::data {

/// srgb [3, H, W] -> file. Atomic.
void write_picture(const std::vector<float>& srgb, int width, int height, const std::filesystem::path& path);
/// The bytes of that file.
std::string encode_picture(const std::vector<float>& srgb, int width, int height);

/// One page with views of each case, the last of them held out: four views where there are few cases, one
/// (of the training views) where there are many; at most 64 cases, evenly chosen. Atomic.
void write_overview(const std::vector<std::filesystem::path>& cases, const std::filesystem::path& path);

}  // namespace renderfm::data
