// Errors: one exception type, whose message is a sentence for the user and whose kind is the exit code.
#pragma once

#include <fmt/core.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace renderfm {

/// What went wrong, as the exit code of a program: 1 wrong usage, 2 bad input, 3 failure while running.
enum class ErrorKind { kUsage = 1, kBadInput = 2, kRuntime = 3 };

/// Says what was wrong with what, and what to do about it, in one sentence.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

template <class... Args>
[[noreturn]] void fail_usage(fmt::format_string<Args...> text, Args&&... args) {
  throw Error(ErrorKind::kUsage, fmt::format(text, std::forward<Args>(args)...));
}

template <class... Args>
[[noreturn]] void fail_input(fmt::format_string<Args...> text, Args&&... args) {
  throw Error(ErrorKind::kBadInput, fmt::format(text, std::forward<Args>(args)...));
}

template <class... Args>
[[noreturn]] void fail_runtime(fmt::format_string<Args...> text, Args&&... args) {
  throw Error(ErrorKind::kRuntime, fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace renderfm

/// Throws a kRuntime Error unless `condition`; for contracts between our own parts.
#define RFM_CHECK(condition, ...)            \
  do {                                       \
    if (!(condition)) [[unlikely]] {         \
      ::renderfm::fail_runtime(__VA_ARGS__); \
    }                                        \
  } while (false)

/// RFM_CHECK for hot loops: compiled in by the dev and sanitizer presets only.
#ifdef RENDERFM_DEBUG_CHECKS
#define RFM_DCHECK(condition, ...) RFM_CHECK(condition, __VA_ARGS__)
#else
#define RFM_DCHECK(condition, ...) \
  do {                             \
  } while (false)
#endif
