// The server's own page, as it lies in src/server/web, by file name.
#pragma once

#include <map>
#include <string>

namespace renderfm::server {

const std::map<std::string, std::string>& web_files();

}  // namespace renderfm::server
