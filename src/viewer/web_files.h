// The page's parts, as they lie in src/viewer/web, by file name.
#pragma once

#include <map>
#include <string>

namespace renderfm::viewer {

const std::map<std::string, std::string>& web_files();

}  // namespace renderfm::viewer
