// case.json: the one place that knows its fields.
#pragma once

#include <string>

#include "renderfm/data/case.h"

namespace renderfm::data {

std::string case_to_json(const CaseInfo& info);
/// Fills everything but folder, name and views. `where` is what messages call the file.
CaseInfo case_from_json(const std::string& text, const std::string& where);

}  // namespace renderfm::data
