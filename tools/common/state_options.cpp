#include "common/state_options.h"

#include "renderfm/core/check.h"

namespace renderfm::tools {

void add_state_options(CLI::App& app, StateOptions& options) {
  const std::string group = "Cuts and organs";
  app.add_option(
         "--clip", options.clip,
         "Cut by a plane NX,NY,NZ,D: kept is what lies on its normal's side, N.x + D >= 0, x in mm from "
         "the middle of the scan (left, back, head); repeat for more")
      ->expected(1, 1)
      ->take_all()
      ->group(group);
  app.add_option("--clip-box", options.clip_box, "Show only a box: X0,X1,Y0,Y1,Z0,Z1 in the same mm")
      ->group(group);
  app.add_option("--clip-exempt", options.clip_exempt,
                 "Organs and groups that are never cut, comma separated")
      ->delimiter(',')
      ->group(group);
  app.add_option("--organ-opacity", options.organ_opacity,
                 "Fade an organ or a group: ORGAN=0..1; several, comma separated")
      ->delimiter(',')
      ->group(group);
  app.add_option(
         "--state", options.state,
         "The view of a page: what stands behind '#' in its address; --azimuth, --elevation win over it")
      ->group(group);
}

ViewState resolve_state(const StateOptions& options) {
  ViewState state = parse_view_state(options.state);
  for (const std::string& plane : options.clip) state.clip.push_back(parse_clip_plane(plane));
  if (!options.clip_box.empty()) state.box = parse_clip_box(options.clip_box);
  state.exempt.insert(state.exempt.end(), options.clip_exempt.begin(), options.clip_exempt.end());
  for (const std::string& entry : options.organ_opacity) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos) fail_input("--organ-opacity {} is not ORGAN=OPACITY", entry);
    const std::string value = entry.substr(equals + 1);
    // One reader of numbers and their range: that of the page's state.
    const ViewState parsed = parse_view_state("op=" + entry.substr(0, equals) + ":" + value);
    for (const auto& [organ, opacity] : parsed.opacity) state.opacity[organ] = opacity;
  }
  return state;
}

}  // namespace renderfm::tools
