// Cuts, organ opacities and a page's state as options of programs that draw.
#pragma once

#include <string>
#include <vector>

#include "common/cli_main.h"
#include "renderfm/viewer/view_state.h"

namespace renderfm::tools {

struct StateOptions {
  std::string state, clip_box;
  std::vector<std::string> clip, clip_exempt, organ_opacity;
};

void add_state_options(CLI::App& app, StateOptions& options);

/// The state as text, then what the single options add to it. Throws kBadInput.
ViewState resolve_state(const StateOptions& options);

}  // namespace renderfm::tools
