// A measured method and case on disk.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "renderfm/eval/evaluate.h"

namespace renderfm {

/// Atomic.
void store_result(const CaseResult& result, const std::filesystem::path& file);

/// None where there is no file. Throws kBadInput where it was made under other settings, or is damaged. What
/// is said of the case is not stored: it is read from the case.
std::optional<CaseResult> stored_result(const std::filesystem::path& file, const std::string& settings);

}  // namespace renderfm
