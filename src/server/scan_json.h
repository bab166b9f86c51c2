// A scan's state as the page reads it.
#pragma once

#include <nlohmann/json.hpp>

#include "server/scan.h"

namespace renderfm::server {

/// Call with the store's mutex held. `ahead`: jobs that come before the scan's.
nlohmann::json scan_json(const Scan& scan, std::size_t ahead);

}  // namespace renderfm::server
