#include "renderfm/pathtrace/light_rig.h"

#include <array>
#include <cmath>
#include <filesystem>

#include "renderfm/core/check.h"
#include "renderfm/core/config_node.h"

namespace renderfm::pathtrace {
namespace {

LightRig studio() {
  LightRig rig;
  rig.sky_base = 0.70F;
  rig.sky_slope = 0.15F;
  rig.key_radiance = 3.96F;
  rig.key_tint = {1, 0.97F, 0.92F};
  return rig;
}

LightRig headlight() {
  LightRig rig = studio();
  rig.sky_slope = 0;
  rig.key_tint = {1, 1, 1};
  rig.key_direction = {-0.5, 0.7, 1};
  rig.key_follows_camera = true;
  return rig;
}

std::array<double, 3> triple(const ConfigNode& node) {
  const std::vector<double> values = node.as_doubles();
  if (values.size() != 3)
    fail_input("{}: three numbers are wanted, {} are given", node.where(), values.size());
  return {values[0], values[1], values[2]};
}

Vec3f tint_or(const ConfigNode& node, Vec3f fallback) {
  if (!node.has("tint")) return fallback;
  const auto [r, g, b] = triple(node.at("tint"));
  return {static_cast<float>(r), static_cast<float>(g), static_cast<float>(b)};
}

LightRig read_rig(const ConfigNode& root) {
  LightRig rig;
  root.check_keys({"sky", "key"});
  const auto number = [](const ConfigNode& node, std::string_view key, float fallback) {
    return static_cast<float>(node.double_or(key, static_cast<double>(fallback)));
  };
  if (root.has("sky")) {
    const ConfigNode sky = root.at("sky");
    sky.check_keys({"base", "slope", "tint"});
    rig.sky_base = number(sky, "base", rig.sky_base);
    rig.sky_slope = number(sky, "slope", rig.sky_slope);
    rig.sky_tint = tint_or(sky, rig.sky_tint);
  }
  if (root.has("key")) {
    const ConfigNode key = root.at("key");
    key.check_keys({"radiance", "half_angle_deg", "direction", "tint", "follows_camera"});
    rig.key_radiance = number(key, "radiance", rig.key_radiance);
    rig.key_half_angle_deg = number(key, "half_angle_deg", rig.key_half_angle_deg);
    rig.key_tint = tint_or(key, rig.key_tint);
    rig.key_follows_camera = key.bool_or("follows_camera", rig.key_follows_camera);
    if (key.has("direction")) {
      const auto [x, y, z] = triple(key.at("direction"));
      rig.key_direction = {x, y, z};
    }
  }
  return rig;
}

bool possible_tint(Vec3f tint) {
  for (int c = 0; c < 3; ++c) {
    if (!(tint[c] >= 0 && tint[c] <= 1e6F)) return false;
  }
  return true;
}

}  // namespace

void check_light_rig(const LightRig& rig) {
  if (!(rig.sky_base >= 0 && rig.sky_base <= 1e6F) || !(std::abs(rig.sky_slope) <= rig.sky_base)) {
    fail_input(
        "a sky of base {} and slope {} would be darker than black somewhere: the slope may be at most "
        "the base",
        rig.sky_base, rig.sky_slope);
  }
  if (!(rig.key_radiance >= 0 && rig.key_radiance <= 1e9F)) {
    fail_input("a key light of radiance {} cannot be", rig.key_radiance);
  }
  if (!(rig.key_half_angle_deg > 0 && rig.key_half_angle_deg <= 90)) {
    fail_input("the key light's half angle is {} degrees; it must be above 0 and at most 90",
               rig.key_half_angle_deg);
  }
  if (!(norm(rig.key_direction) > 0 && std::isfinite(norm(rig.key_direction)))) {
    fail_input("the key light's direction ({}, {}, {}) points nowhere", rig.key_direction.x,
               rig.key_direction.y, rig.key_direction.z);
  }
  if (!possible_tint(rig.sky_tint) || !possible_tint(rig.key_tint)) {
    fail_input("a light's tint needs three numbers that are not negative");
  }
}

LightRig light_rig(const std::string& name_or_yaml_path) {
  if (name_or_yaml_path == "uniform") return {};
  if (name_or_yaml_path == "studio") return studio();
  if (name_or_yaml_path == "headlight") return headlight();
  if (!std::filesystem::exists(name_or_yaml_path)) {
    fail_input("there is no light rig '{}': choose uniform, studio, headlight or the path of a YAML file",
               name_or_yaml_path);
  }
  const LightRig rig = read_rig(ConfigNode::parse_file(name_or_yaml_path));
  try {
    check_light_rig(rig);
  } catch (const Error& error) {
    fail_input("{}: {}", name_or_yaml_path, error.what());
  }
  return rig;
}

}  // namespace renderfm::pathtrace
