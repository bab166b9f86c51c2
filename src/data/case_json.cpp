#include "data/case_json.h"

#include <nlohmann/json.hpp>

#include "renderfm/core/check.h"

namespace renderfm::data {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSchemaKey = "renderfm_case";

Json to_json(Vec3d v) { return {v.x, v.y, v.z}; }

Vec3d vec_from(const Json& json) {
  const auto v = json.get<std::array<double, 3>>();
  return {v[0], v[1], v[2]};
}

// 64-bit seeds as text: readers in other languages keep numbers as doubles.
std::string seed_text(std::uint64_t seed) { return std::to_string(seed); }

void check_geometry(const CaseInfo& info, const std::string& where) {
  for (int axis = 0; axis < 3; ++axis) {
    const std::int64_t size = info.geometry.shape_zyx[axis], begin = info.box.begin_zyx[axis];
    if (size < 1 || !(info.geometry.spacing_zyx_mm[axis] > 0)) {
      fail_input("{}: geometry: shape and spacing must be positive", where);
    }
    if (begin < 0 || info.box.shape_zyx[axis] < 1 || begin + info.box.shape_zyx[axis] > size) {
      fail_input("{}: the box does not lie within the grid", where);
    }
  }
  if (!(info.view_sphere.radius_mm > 0)) fail_input("{}: view_sphere: the radius must be positive", where);
  if (info.split != "train" && info.split != "validation" && info.split != "test") {
    fail_input("{}: split is '{}'; it must be train, validation or test", where, info.split);
  }
}

}  // namespace

std::string case_to_json(const CaseInfo& info) {
  Json direction = Json::array();
  for (int row = 0; row < 3; ++row) {
    direction.push_back(
        {info.geometry.direction[row][0], info.geometry.direction[row][1], info.geometry.direction[row][2]});
  }
  Json labels = Json::object(), files = Json::object(), phantom = Json::object();
  for (const auto& [trait, value] : info.phantom) phantom[trait] = Json::parse(value);
  for (const auto& [label, name] : info.labels) labels[std::to_string(label)] = name;
  for (const auto& [file, hash] : info.files) files[file] = hash;
  const Vec3d centre = info.view_sphere.centre_mm;
  const Rendering& rendering = info.rendering;
  const Json json = {
      {kSchemaKey, kCaseSchema},
      {"scan", info.scan},
      {"split", info.split},
      {"tf_family", info.tf_family},
      {"organs", info.organs},
      {"frame", "LPS mm"},
      {"geometry",
       {{"shape_zyx", info.geometry.shape_zyx},
        {"spacing_zyx_mm", info.geometry.spacing_zyx_mm},
        {"origin_mm", to_json(info.geometry.origin_mm)},
        {"direction", direction}}},
      {"box", {{"begin_zyx", info.box.begin_zyx}, {"shape_zyx", info.box.shape_zyx}}},
      {"labels", labels},
      {"view_sphere", {centre.x, centre.y, centre.z, info.view_sphere.radius_mm}},
      {"views",
       {{"width", info.width},
        {"height", info.height},
        {"train", info.train_views.size()},
        {"test", info.test_views.size()},
        {"close_ups", info.close_ups},
        {"maps", info.maps},
        {"least_test_angle_deg", info.least_test_angle_deg}}},
      {"rendering",
       {{"light", rendering.light},
        {"exposure", rendering.exposure},
        {"train_samples", rendering.train_samples},
        {"test_samples", rendering.test_samples},
        {"train_denoiser", rendering.train_denoiser},
        {"seed", seed_text(rendering.seed)},
        {"device", rendering.device}}},
      {"phantom", phantom},
      {"source_sha256", info.source_sha256},
      {"plan", info.plan},
      {"made_by", info.made_by},
      {"files", files},
  };
  return json.dump(1) + "\n";
}

CaseInfo case_from_json(const std::string& text, const std::string& where) {
  CaseInfo info;
  try {
    const Json json = Json::parse(text);
    const int schema = json.at(kSchemaKey).get<int>();
    if (schema != kCaseSchema) {
      fail_input("{}: the case has schema {}, this program reads {}; make it anew with renderfm-prepare",
                 where, schema, kCaseSchema);
    }
    info.scan = json.at("scan").get<std::string>();
    info.split = json.at("split").get<std::string>();
    info.tf_family = json.at("tf_family").get<std::string>();
    info.organs = json.at("organs").get<std::vector<std::string>>();
    const Json& geometry = json.at("geometry");
    geometry.at("shape_zyx").get_to(info.geometry.shape_zyx);
    geometry.at("spacing_zyx_mm").get_to(info.geometry.spacing_zyx_mm);
    info.geometry.origin_mm = vec_from(geometry.at("origin_mm"));
    for (int row = 0; row < 3; ++row) {
      const Vec3d values = vec_from(geometry.at("direction").at(row));
      for (int column = 0; column < 3; ++column) info.geometry.direction[row][column] = values[column];
    }
    json.at("box").at("begin_zyx").get_to(info.box.begin_zyx);
    json.at("box").at("shape_zyx").get_to(info.box.shape_zyx);
    for (const auto& [label, name] : json.at("labels").items()) {
      info.labels[static_cast<std::uint8_t>(std::stoi(label))] = name.get<std::string>();
    }
    const auto sphere = json.at("view_sphere").get<std::array<double, 4>>();
    info.view_sphere = {{sphere[0], sphere[1], sphere[2]}, sphere[3]};
    const Json& views = json.at("views");
    info.width = views.at("width").get<int>();
    info.height = views.at("height").get<int>();
    info.train_views.resize(views.at("train").get<std::size_t>());
    info.test_views.resize(views.at("test").get<std::size_t>());
    info.close_ups = views.value("close_ups", 0);  // cases of earlier versions have no such keys
    info.maps = views.value("maps", false);
    info.least_test_angle_deg = views.at("least_test_angle_deg").get<double>();
    const Json& rendering = json.at("rendering");
    info.rendering.light = rendering.at("light").get<std::string>();
    info.rendering.exposure = rendering.at("exposure").get<double>();
    info.rendering.train_samples = rendering.at("train_samples").get<int>();
    info.rendering.test_samples = rendering.at("test_samples").get<int>();
    info.rendering.train_denoiser = rendering.at("train_denoiser").get<std::string>();
    info.rendering.seed = std::stoull(rendering.at("seed").get<std::string>());
    info.rendering.device = rendering.at("device").get<std::string>();
    for (const auto& [trait, value] : json.at("phantom").items()) info.phantom[trait] = value.dump();
    info.source_sha256 = json.at("source_sha256").get<std::string>();
    info.plan = json.at("plan").get<std::string>();
    info.made_by = json.at("made_by").get<std::string>();
    for (const auto& [file, hash] : json.at("files").items()) info.files[file] = hash.get<std::string>();
  } catch (const Json::exception& error) {
    fail_input("{} is no case description: {}", where, error.what());
  } catch (const std::logic_error&) {  // stoi, stoull
    fail_input("{} is no case description: a label or the seed is no number", where);
  }
  check_geometry(info, where);
  return info;
}

}  // namespace renderfm::data
