#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "gaussian/files/codecs.h"
#include "gaussian/files/glb_names.h"
#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/core/version.h"
#include "renderfm/math/sh.h"
#include "renderfm/math/srgb.h"

namespace renderfm {
namespace {

using nlohmann::json;

/// One attribute: `floats` values a Gaussian, from `column` on in its row of kRowFloats.
struct Attribute {
  std::string name;
  int floats, column;
};

// A row: position 3, rotation 4, scale 3, opacity 1, SH 12, direction mean 3, A diagonal 3, A lower 3, B 9,
// label 1.
constexpr int kRowFloats = 42;

std::vector<Attribute> attributes(int sh_degree) {
  std::vector<Attribute> list{{"POSITION", 3, 0},
                              {glb::kBase + ":ROTATION", 4, 3},
                              {glb::kBase + ":SCALE", 3, 7},
                              {glb::kBase + ":OPACITY", 1, 10},
                              {glb::kBase + ":SH_DEGREE_0_COEF_0", 3, 11}};
  for (int k = 0; k < 3 && sh_degree > 0; ++k) {
    list.push_back({fmt::format("{}:SH_DEGREE_1_COEF_{}", glb::kBase, k), 3, 14 + 3 * k});
  }
  list.push_back({glb::kSix + ":DIRECTION_MEAN", 3, 23});
  list.push_back({glb::kSix + ":DIR_CHOL_DIAGONAL", 3, 26});
  list.push_back({glb::kSix + ":DIR_CHOL_LOWER", 3, 29});
  for (int row = 0; row < 3; ++row) {
    list.push_back({fmt::format("{}:DIR_SHIFT_{}", glb::kSix, row), 3, 32 + 3 * row});
  }
  list.push_back({glb::kSix + ":LABEL", 1, 41});
  return list;
}

bool fill_row(Gaussian6d g, float* row) {
  if (!into_frame(g, kYUpMetres)) return false;
  const PrincipalAxes axes = extent_of(g);
  const Quaternion wxyz = quaternion_from_rotation(axes.rotation);
  float* out = row;
  const auto put = [&](double value) { *out++ = static_cast<float>(value); };
  const auto put3 = [&](double x, double y, double z) { put(x), put(y), put(z); };
  put3(g.position.x, g.position.y, g.position.z);
  put3(wxyz[1], wxyz[2], wxyz[3]), put(wxyz[0]);
  put3(std::sqrt(axes.values.x), std::sqrt(axes.values.y), std::sqrt(axes.values.z));
  put(g.opacity);
  for (const double c : g.sh) put(c);
  put3(g.direction_mean.x, g.direction_mean.y, g.direction_mean.z);
  put3(g.a[0][0], g.a[1][1], g.a[2][2]);
  put3(g.a[1][0], g.a[2][0], g.a[2][1]);
  for (int b = 0; b < 3; ++b) put3(g.b[b][0], g.b[b][1], g.b[b][2]);
  put(g.label);
  return std::all_of(row, row + kRowFloats, [](float value) { return std::isfinite(value); });
}

/// Linear light, as glTF wants vertex colours.
std::array<std::uint8_t, 4> point_colour(const float* row) {
  std::array<std::uint8_t, 4> rgba{};
  for (std::size_t channel = 0; channel < 3; ++channel) {
    const double srgb = std::clamp(0.5 + kSh0 * static_cast<double>(row[11 + channel]), 0.0, 1.0);
    rgba[channel] = static_cast<std::uint8_t>(std::lround(255 * linear_from_srgb(srgb)));
  }
  rgba[3] = static_cast<std::uint8_t>(std::lround(255 * std::clamp(static_cast<double>(row[10]), 0.0, 1.0)));
  return rgba;
}

json notes_of(const GaussianNotes& notes) {
  json out{{"version", 1},
           {"lambdaOpacity", notes.lambda_opacity},
           {"lowPassCompensation", notes.low_pass_compensation}};
  if (notes.view_sphere) {
    const Vec3d centre = kYUpMetres.from_lps * notes.view_sphere->centre_mm * (1 / kYUpMetres.unit_mm);
    out["viewSphere"] = {{"center", {centre.x, centre.y, centre.z}},
                         {"radius", notes.view_sphere->radius_mm / kYUpMetres.unit_mm}};
  }
  if (!notes.transfer_function.empty()) out["transferFunction"] = notes.transfer_function;
  if (!notes.model.empty()) out["model"] = notes.model;
  for (const auto& [label, name] : notes.label_names) out["labels"][std::to_string(label)] = name;
  return out;
}

class Document {
 public:
  Document(const GaussianNotes& notes, std::int64_t count) : count_(count) {
    root_ = {{"asset", {{"version", "2.0"}, {"generator", fmt::format("renderfm {}", build_info().version)}}},
             {"extensionsUsed", {glb::kBase, glb::kSix}},
             {"scene", 0},
             {"scenes", {{{"nodes", {0}}}}},
             {"nodes", {{{"mesh", 0}, {"name", "Gaussians"}}}},
             {"bufferViews", json::array()},
             {"accessors", json::array()}};
    primitive_ = {{"mode", 0},
                  {"attributes", json::object()},
                  {"extensions",
                   {{glb::kBase,
                     {{"kernel", "ellipse"},
                      {"colorSpace", "srgb_rec709_display"},
                      {"projection", "perspective"},
                      {"sortingMethod", "cameraDistance"}}},
                    {glb::kSix, notes_of(notes)}}}};
  }

  json& add(const std::string& name, const std::string& type, int component, int bytes_each) {
    const auto index = root_["accessors"].size();
    root_["bufferViews"].push_back(
        {{"buffer", 0}, {"byteOffset", bytes_}, {"byteLength", bytes_each * count_}, {"target", 34962}});
    root_["accessors"].push_back(
        {{"bufferView", index}, {"componentType", component}, {"count", count_}, {"type", type}});
    primitive_["attributes"][name] = index;
    bytes_ += bytes_each * count_;
    return root_["accessors"].back();
  }

  /// glTF wants the box of POSITION, the first accessor.
  void set_range(const std::array<float, 3>& low, const std::array<float, 3>& high) {
    root_["accessors"][0]["min"] = low;
    root_["accessors"][0]["max"] = high;
  }

  std::int64_t bytes() const { return bytes_; }
  /// Padded with spaces to whole words.
  std::string text() {
    root_["meshes"] = {{{"primitives", {primitive_}}}};
    root_["buffers"] = {{{"byteLength", bytes_}}};
    std::string out = root_.dump(-1, ' ', false, json::error_handler_t::replace);
    while (out.size() % 4 != 0) out += ' ';
    return out;
  }

 private:
  json root_, primitive_;
  std::int64_t count_, bytes_ = 0;
};

}  // namespace

void encode_glb(const GaussianColumns& columns, const std::filesystem::path& path, int sh_degree) {
  // glTF knows no accessor without elements.
  RFM_CHECK(columns.count > 0, "there are no Gaussians to write to {}", path.string());
  const std::vector<Attribute> list = attributes(sh_degree);
  Document document(*columns.notes, columns.count);
  for (const Attribute& attribute : list) {
    const char* const type = attribute.floats == 1 ? "SCALAR" : attribute.floats == 3 ? "VEC3" : "VEC4";
    document.add(attribute.name, type, glb::kFloat, 4 * attribute.floats);
  }
  document.add("COLOR_0", "VEC4", glb::kUint8, 4)["normalized"] = true;
  constexpr std::int64_t kJsonRoom = 1 << 20;
  if (document.bytes() + kJsonRoom > std::numeric_limits<std::uint32_t>::max()) {
    fail_input("{} Gaussians do not fit into {}: a .glb holds at most 4 GiB; write .ply, or fewer of them",
               columns.count, path.string());
  }

  std::vector<float> rows(static_cast<std::size_t>(columns.count) * kRowFloats);
  parallel_for(0, columns.count, 2048, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      RFM_CHECK(fill_row(load(columns, n), rows.data() + n * kRowFloats),
                "Gaussian {} has a value that is not finite and cannot be written to {}", n, path.string());
    }
  });
  std::array<float, 3> low{rows[0], rows[1], rows[2]}, high = low;
  for (std::int64_t n = 1; n < columns.count; ++n) {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const float value = rows[static_cast<std::size_t>(n * kRowFloats) + axis];
      low[axis] = std::min(low[axis], value);
      high[axis] = std::max(high[axis], value);
    }
  }
  document.set_range(low, high);

  const std::string text = document.text();
  const auto put_u32 = [](AtomicFile& file, std::int64_t value) {
    const auto word = static_cast<std::uint32_t>(value);
    file.write(&word, sizeof(word));
  };
  AtomicFile file(path);
  put_u32(file, glb::kMagic);
  put_u32(file, 2);
  put_u32(file, 12 + 8 + static_cast<std::int64_t>(text.size()) + 8 + document.bytes());
  put_u32(file, static_cast<std::int64_t>(text.size()));
  put_u32(file, glb::kJsonChunk);
  file.write(text);
  put_u32(file, document.bytes());
  put_u32(file, glb::kBinChunk);
  constexpr std::int64_t kBlock = 1 << 16;
  std::vector<float> block;
  for (const Attribute& attribute : list) {
    for (std::int64_t first = 0; first < columns.count; first += kBlock) {
      block.clear();
      for (std::int64_t n = first; n < std::min(columns.count, first + kBlock); ++n) {
        const float* const from = rows.data() + n * kRowFloats + attribute.column;
        block.insert(block.end(), from, from + attribute.floats);
      }
      file.write(block.data(), block.size() * sizeof(float));
    }
  }
  std::vector<std::uint8_t> colours(static_cast<std::size_t>(columns.count) * 4);
  for (std::int64_t n = 0; n < columns.count; ++n) {
    const auto rgba = point_colour(rows.data() + n * kRowFloats);
    std::copy(rgba.begin(), rgba.end(), colours.begin() + 4 * n);
  }
  file.write(colours.data(), colours.size());
  file.commit();
}

}  // namespace renderfm
