// The life of a case's folder: absent, half-written, finished, or somebody else's.
#pragma once

#include <filesystem>
#include <string>

#include "data/case_plan.h"

namespace renderfm::data {

enum class FolderState { kAbsent, kUnfinished, kFinished, kOther };

/// What stands in `folder` with regard to this plan. A half-written case carries a mark with its plan's
/// fingerprint; kOther is whatever was made with other settings or by other programs.
FolderState folder_state(const std::filesystem::path& folder, const std::string& fingerprint);

/// Makes the folder ready to write a case of this source into: removes temporary files of killed processes,
/// and the views too unless they belong to this plan and source. Returns true where views may be kept.
/// `maps`: with folders for alpha and depth.
bool open_case_folder(const std::filesystem::path& folder, const std::string& fingerprint,
                      const std::string& source_sha256, bool maps);
/// Removes the mark once case.json stands.
void close_case_folder(const std::filesystem::path& folder);

/// What killed processes left in `folder`. Only for whoever holds its lock: others may be writing.
void remove_temporaries(const std::filesystem::path& folder);
void empty_folder(const std::filesystem::path& folder);
/// Throws kBadInput where that is impossible.
void make_folder(const std::filesystem::path& folder);

}  // namespace renderfm::data
