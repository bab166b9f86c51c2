#include "renderfm/viewer/view_state.h"

#include <charconv>
#include <cmath>

#include "renderfm/core/check.h"
#include "renderfm/model/gaussian_view.h"
#include "renderfm/volume/labels.h"

namespace renderfm {
namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    if (end > begin) parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

double parse_number(const std::string& text, const std::string& where) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    fail_input("'{}' in {} is not a number", text, where);
  }
  return value;
}

template <std::size_t kCount>
std::array<double, kCount> parse_numbers(const std::string& text, const std::string& where) {
  const std::vector<std::string> words = split(text, ',');
  if (words.size() != kCount) {
    fail_input("{} has {} numbers instead of {}, separated by commas", where, words.size(), kCount);
  }
  std::array<double, kCount> values{};
  for (std::size_t k = 0; k < kCount; ++k) values[k] = parse_number(words[k], where);
  return values;
}

// %2C -> ','
std::string unescaped(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    int code = 0;
    if (text[at] == '%' && at + 2 < text.size() &&
        std::from_chars(text.data() + at + 1, text.data() + at + 3, code, 16).ptr == text.data() + at + 3) {
      out += static_cast<char>(code);
      at += 2;
    } else {
      out += text[at];
    }
  }
  return out;
}

std::map<std::string, double> parse_opacities(const std::string& text) {
  std::map<std::string, double> opacities;
  for (const std::string& part : split(text, ',')) {
    const std::size_t colon = part.find(':');
    if (colon == std::string::npos) fail_input("'{}' in op={} is not ORGAN:OPACITY", part, text);
    const double value = parse_number(part.substr(colon + 1), "op=" + text);
    if (value < 0 || value > 1) fail_input("the opacity '{}' in op={} does not lie in [0, 1]", part, text);
    opacities[part.substr(0, colon)] = value;
  }
  return opacities;
}

void apply_part(ViewState& state, const std::string& key, const std::string& value) {
  const std::string where = key + "=" + value;
  if (key == "az") {
    state.azimuth_deg = parse_number(value, where);
  } else if (key == "el") {
    state.elevation_deg = parse_number(value, where);
    if (std::abs(state.elevation_deg) > 90) fail_input("{} is beyond 90 degrees", where);
  } else if (key == "zoom") {
    state.zoom = parse_number(value, where);
    if (state.zoom < 0.05 || state.zoom > 200) fail_input("{} does not lie between 0.05 and 200", where);
  } else if (key == "pan") {
    const auto [x, y, z] = parse_numbers<3>(value, where);
    state.pan_mm = {x, y, z};
  } else if (key == "clip") {
    for (const std::string& plane : split(value, ';')) state.clip.push_back(parse_clip_plane(plane));
  } else if (key == "box") {
    state.box = parse_clip_box(value);
  } else if (key == "keep") {
    state.exempt = split(value, ',');
  } else if (key == "show") {
    state.show = split(value, ',');
  } else if (key == "hide") {
    state.hide = split(value, ',');
  } else if (key == "op") {
    state.opacity = parse_opacities(value);
  } else if (key == "tf") {
    state.transfer_function = value;
  } else if (key != "ui" && key != "theme") {
    fail_input("the view state has no '{}'; it knows az el zoom pan clip box keep show hide op tf ui theme",
               key);
  }
}

// Whether each of the 256 labels is among the organs and groups named. Label 0 is "unlabelled".
std::array<bool, 256> chosen_labels(const GaussianSet& gaussians, const std::vector<std::string>& organs) {
  LabelVolume labels;
  labels.names = gaussians.label_names;
  std::vector<std::string> known;
  bool unlabelled = false;
  for (const std::string& organ : organs) {
    if (organ == "unlabelled") {
      unlabelled = true;
    } else {
      known.push_back(organ);
    }
  }
  std::array<bool, 256> chosen{};
  if (!known.empty()) {
    if (!gaussians.label.defined() || gaussians.label_names.empty()) {
      fail_input("these Gaussians carry no organ labels, so '{}' is not among them; make them from the CT",
                 known.front());
    }
    chosen = select_organs(labels, known);
  }
  if (unlabelled) chosen[0] = true;
  return chosen;
}

torch::Tensor per_gaussian(const GaussianSet& gaussians, const torch::Tensor& table) {
  if (!gaussians.label.defined()) return table[0].expand({gaussians.size()});
  return table.to(gaussians.label.device()).index_select(0, gaussians.label.to(torch::kInt64));
}

}  // namespace

raster::ClipPlane<double> parse_clip_plane(const std::string& text) {
  const auto [x, y, z, offset_mm] = parse_numbers<4>(text, "the plane " + text);
  const double length = std::sqrt(x * x + y * y + z * z);
  if (!(length > 0)) fail_input("the plane {} has no direction: its normal is zero", text);
  return {{x / length, y / length, z / length}, offset_mm / length};
}

std::array<double, 6> parse_clip_box(const std::string& text) {
  const auto box = parse_numbers<6>(text, "the box " + text);
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (!(box[2 * axis] < box[2 * axis + 1])) {
      fail_input("the box {} is empty; give x0,x1,y0,y1,z0,z1 with the lower of two first", text);
    }
  }
  return box;
}

ViewState parse_view_state(const std::string& text) {
  ViewState state;
  const std::size_t hash = text.find('#');
  for (const std::string& part : split(hash == std::string::npos ? text : text.substr(hash + 1), '&')) {
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos) fail_input("'{}' in the view state is not KEY=VALUE", part);
    apply_part(state, part.substr(0, equals), unescaped(part.substr(equals + 1)));
  }
  return state;
}

ViewSphere state_sphere(const ViewSphere& sphere, const ViewState& state) {
  return {sphere.centre_mm + state.pan_mm, sphere.radius_mm / state.zoom};
}

raster::ClipRegion state_clip(const GaussianSet& gaussians, Vec3d centre_mm, const ViewState& state) {
  raster::ClipRegion region;
  region.planes = state.clip;
  if (state.box) {
    for (int axis = 0; axis < 3; ++axis) {
      Vec3d normal{0, 0, 0};
      normal[axis] = 1;
      region.planes.push_back({normal, -(*state.box)[static_cast<std::size_t>(2 * axis)]});
      region.planes.push_back({-normal, (*state.box)[static_cast<std::size_t>(2 * axis + 1)]});
    }
  }
  if (region.planes.size() > raster::kMaxClipPlanes) {
    fail_input("{} planes cut the picture, a box counting for 6; at most {} can", region.planes.size(),
               raster::kMaxClipPlanes);
  }
  for (auto& plane : region.planes) plane.offset_mm -= dot(plane.normal, centre_mm);
  if (!region.planes.empty() && !state.exempt.empty()) {
    const std::array<bool, 256> chosen = chosen_labels(gaussians, state.exempt);
    torch::Tensor table = torch::zeros({256}, torch::kBool);
    for (int label = 0; label < 256; ++label) table[label] = chosen[static_cast<std::size_t>(label)];
    region.exempt = per_gaussian(gaussians, table).contiguous();
  }
  return region;
}

GaussianSet apply_organ_state(const GaussianSet& gaussians, const ViewState& state) {
  if (state.show.empty() && state.hide.empty() && state.opacity.empty()) return gaussians;
  std::array<float, 256> factor{};
  factor.fill(state.show.empty() ? 1.0F : 0.0F);
  const auto set_where = [&](const std::vector<std::string>& organs, float value) {
    const std::array<bool, 256> chosen = chosen_labels(gaussians, organs);
    for (std::size_t label = 0; label < 256; ++label) {
      if (chosen[label]) factor[label] = value;
    }
  };
  if (!state.show.empty()) set_where(state.show, 1);
  if (!state.hide.empty()) set_where(state.hide, 0);
  for (const auto& [organ, opacity] : state.opacity) {
    const std::array<bool, 256> chosen = chosen_labels(gaussians, {organ});
    for (std::size_t label = 0; label < 256; ++label) {
      if (chosen[label]) factor[label] *= static_cast<float>(opacity);
    }
  }
  GaussianSet out = gaussians;
  out.view_sphere = view_sphere(gaussians);
  const torch::Tensor table = torch::from_blob(factor.data(), {256}, torch::kFloat32).clone();
  out.opacity = (gaussians.opacity * per_gaussian(gaussians, table)).contiguous();
  return out.select(out.opacity > 0);
}

}  // namespace renderfm
