// Messages to the user, on stderr. Machine-readable output goes to stdout and never through here.
#pragma once

#include <fmt/core.h>

#include <string_view>
#include <utility>

namespace renderfm {

enum class Verbosity { kQuiet = 0, kNormal = 1, kVerbose = 2 };

void set_verbosity(Verbosity verbosity);
Verbosity verbosity();

namespace detail {
void write_log(int level, std::string_view text);  // 0 debug, 1 info, 2 warning, 3 error
}

/// Shown with -v.
template <class... Args>
void log_debug(fmt::format_string<Args...> text, Args&&... args) {
  if (verbosity() == Verbosity::kVerbose) {
    detail::write_log(0, fmt::format(text, std::forward<Args>(args)...));
  }
}

/// Shown unless -q.
template <class... Args>
void log_info(fmt::format_string<Args...> text, Args&&... args) {
  if (verbosity() != Verbosity::kQuiet) {
    detail::write_log(1, fmt::format(text, std::forward<Args>(args)...));
  }
}

/// Always shown: the result may not be what the user expects.
template <class... Args>
void log_warning(fmt::format_string<Args...> text, Args&&... args) {
  detail::write_log(2, fmt::format(text, std::forward<Args>(args)...));
}

template <class... Args>
void log_error(fmt::format_string<Args...> text, Args&&... args) {
  detail::write_log(3, fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace renderfm
