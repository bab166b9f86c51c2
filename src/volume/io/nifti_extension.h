// Label names in a NIfTI extension: the Caret XML table that TotalSegmentator writes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace renderfm {

/// The names of labels 1 to 255 in the file's extensions; empty where there are none or the file is not
/// NIfTI.
std::map<std::uint8_t, std::string> read_label_names(const std::filesystem::path& path);

/// The table as XML, with a distinct colour for every label.
std::string caret_label_xml(const std::map<std::uint8_t, std::string>& names);

}  // namespace renderfm
