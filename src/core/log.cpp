#include "renderfm/core/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>

namespace renderfm {
namespace {

std::atomic<Verbosity> g_verbosity{Verbosity::kNormal};

spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = spdlog::stderr_color_mt("renderfm");
    made->set_level(spdlog::level::debug);
    made->set_pattern("%^%v%$");
    return made;
  }();
  return *instance;
}

}  // namespace

void set_verbosity(Verbosity verbosity) { g_verbosity = verbosity; }
Verbosity verbosity() { return g_verbosity; }

void detail::write_log(int level, std::string_view text) {
  switch (level) {
    case 0: logger().debug(text); break;
    case 1: logger().info(text); break;
    case 2: logger().warn("warning: {}", text); break;
    default: logger().error("error: {}", text); break;
  }
  logger().flush();
}

}  // namespace renderfm
