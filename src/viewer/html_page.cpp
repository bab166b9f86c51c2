#include "renderfm/viewer/html_page.h"

#include <cctype>
#include <nlohmann/json.hpp>
#include <string>

#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/core/progress.h"
#include "renderfm/image/image_io.h"
#include "renderfm/model/gaussian_view.h"
#include "renderfm/raster/rasterize.h"
#include "renderfm/viewer/pack.h"
#include "viewer/organs.h"
#include "viewer/web_files.h"

namespace renderfm {
namespace {

constexpr int kStillSide = 720;  // pixels

constexpr const char* kScripts[] = {"icons.js", "fields.js",  "camera.js",   "state.js",       "renderer.js",
                                    "stage.js", "cube.js",    "controls.js", "organ_panel.js", "cut_panel.js",
                                    "sheet.js", "capture.js", "main.js"};

std::string joined_scripts() {
  std::string text;
  for (const char* name : kScripts) text += viewer::web_files().at(name);
  return text;
}

std::string worker_script() {
  const auto& files = viewer::web_files();
  return "\"use strict\";\n" + files.at("fields.js") + files.at("sort_worker.js");
}

std::string shader_parts() {
  const auto& files = viewer::web_files();
  return "\n#part splatVertex\n" + files.at("splat.vert.glsl") + "#part splatFragment\n" +
         files.at("splat.frag.glsl") + "#part presentVertex\n" + files.at("present.vert.glsl") +
         "#part presentFragment\n" + files.at("present.frag.glsl");
}

// "bone-and-vessels" -> "Bone and vessels"
std::string readable(std::string name) {
  if (name.empty()) return "Scan";
  for (char& c : name) {
    if (c == '-' || c == '_') c = ' ';
  }
  name[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(name[0])));
  return name;
}

std::string base64(const std::string& bytes) {
  constexpr const char* kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (at + k < bytes.size() ? static_cast<std::uint8_t>(bytes[at + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += at + k <= bytes.size() ? kDigits[group >> (18 - 6 * k) & 63] : '=';
    }
  }
  return text;
}

std::string still_picture(const GaussianSet& set) {
  const Camera camera = orbit_camera(view_sphere(set), 0, 0, kStillSide, kStillSide);
  return "data:image/png;base64," + base64(encode_png(raster::rasterize(set, {camera}).rgb[0]));
}

nlohmann::json set_header(const GaussianSet& set, const viewer::PackedGaussians& packed,
                          const ViewSphere& sphere, Vec3d first_centre_mm) {
  const Vec3d centre = sphere.centre_mm - first_centre_mm;
  nlohmann::json channels = nlohmann::json::array();
  for (const viewer::PackedChannel& channel : packed.channels) {
    channels.push_back({{"bits", channel.bits}, {"low", channel.low}, {"step", channel.step}});
  }
  return {{"name", set.transfer_function}, {"title", readable(set.transfer_function)},
          {"count", packed.count},         {"size", packed.bytes.size()},
          {"radius", sphere.radius_mm},    {"centre", {centre.x, centre.y, centre.z}},
          {"lambda", set.lambda_opacity},  {"mip", set.low_pass_compensation},
          {"channels", channels},          {"colours", viewer::organ_colours(set)}};
}

// '<' within JSON strings, so that no name can end the script element.
std::string json_in_html(const nlohmann::json& value) {
  std::string out;
  for (const char c : value.dump()) {
    if (c == '<') {
      out += "\\u003c";
    } else {
      out += c;
    }
  }
  return out;
}

void write_filled(AtomicFile& file, const std::map<std::string, std::string>& parts) {
  const std::string& text = viewer::web_files().at("page.html");
  std::size_t at = 0;
  while (true) {
    const std::size_t begin = text.find('@', at);
    file.write(std::string_view(text).substr(at, begin == std::string::npos ? begin : begin - at));
    if (begin == std::string::npos) return;
    const std::size_t end = text.find('@', begin + 1);
    RFM_CHECK(end != std::string::npos, "page.html has an '@' without its twin");
    file.write(parts.at(text.substr(begin + 1, end - begin - 1)));
    at = end + 1;
  }
}

}  // namespace

void write_html(const std::vector<GaussianSet>& sets, const std::filesystem::path& path) {
  if (sets.empty()) fail_input("there are no Gaussians to show");
  AtomicFile file(path);
  nlohmann::json page;
  page["sets"] = nlohmann::json::array();
  page["groups"] = viewer::organ_groups();
  page["organs"] = viewer::organ_table(sets);
  const Vec3d first_centre_mm = view_sphere(sets.front()).centre_mm;
  std::string data;
  Progress progress("writing the page", static_cast<std::int64_t>(sets.size()));
  for (std::size_t n = 0; n < sets.size(); ++n) {
    const ViewSphere sphere = view_sphere(sets[n]);
    const viewer::PackedGaussians packed = viewer::pack(sets[n], sphere.centre_mm);
    page["sets"].push_back(set_header(sets[n], packed, sphere, first_centre_mm));
    data += fmt::format("<script type=\"text/plain\" id=\"gaussians-{}\">", n);
    data += viewer::text_from_bytes(packed.bytes) + "</script>\n";
    progress.advance();
  }
  write_filled(file, {{"TITLE", "Render-FM"},
                      {"STYLE", viewer::web_files().at("style.css")},
                      {"STILL", still_picture(sets.front())},
                      {"PAGE", json_in_html(page)},
                      {"DATA", data},
                      {"WORKER", worker_script()},
                      {"SHADERS", shader_parts()},
                      {"SCRIPT", joined_scripts()}});
  file.commit();
}

}  // namespace renderfm
