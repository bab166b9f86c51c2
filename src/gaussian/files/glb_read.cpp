#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "gaussian/files/codecs.h"
#include "gaussian/files/glb_document.h"
#include "gaussian/files/glb_names.h"
#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"

namespace renderfm {
namespace {

using glb::Accessor;
using glb::Document;
using nlohmann::json;

/// One primitive of Gaussians with the transform that the scene gives it.
struct Primitive {
  Accessor position, rotation, scale, opacity;
  std::vector<Accessor> sh;  ///< 1 or 4, VEC3 each
  struct Six {
    Accessor mean, diagonal, lower, shift[3];
  };
  std::optional<Six> six;
  std::optional<Accessor> label;
  Mat3d turn = Mat3d::identity();
  double scaling = 1;
  Vec3d translation{};
};

Accessor attribute(const Document& glb, const json& attributes, const std::string& name, int components,
                   std::int64_t count) {
  const std::int64_t index = glb.number(attributes, name.c_str(), -1);
  if (index < 0) glb.fail(fmt::format("the attribute {} is missing", name));
  const Accessor accessor = glb.accessor(index);
  if (accessor.components != components) {
    glb.fail(
        fmt::format("the attribute {} has {} components, not {}", name, accessor.components, components));
  }
  if (count >= 0 && accessor.count != count) {
    glb.fail(fmt::format("the attribute {} has {} elements, POSITION has {}", name, accessor.count, count));
  }
  return accessor;
}

void check_extension(const Document& glb, const json& extension) {
  const std::string kernel = glb.text(extension, "kernel", ""), space = glb.text(extension, "colorSpace", "");
  if (kernel != "ellipse")
    glb.fail(fmt::format("Gaussians of kernel '{}' are not read, only 'ellipse'", kernel));
  if (space != "srgb_rec709_display") {
    glb.fail(fmt::format("colours in '{}' are not read, only 'srgb_rec709_display'", space));
  }
  const std::string projection = glb.text(extension, "projection", "perspective");
  if (projection != "perspective") glb.fail(fmt::format("the projection '{}' is not read", projection));
}

/// A node may turn, move and scale alike in all directions; a direction-dependent Gaussian has no exact
/// meaning under anything else.
void place(const Document& glb, const glb::Placement& placement, Primitive& primitive) {
  const Mat3d gram = transposed(placement.linear) * placement.linear;
  const double square = (gram[0][0] + gram[1][1] + gram[2][2]) / 3;
  bool similar = square > 0 && std::isfinite(square) && determinant(placement.linear) > 0;
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) {
      const double wanted = row == column ? square : 0;
      similar = similar && std::abs(gram[row][column] - wanted) <= 1e-3 * square;
    }
    similar = similar && std::isfinite(placement.translation[row]);
  }
  if (!similar) {
    glb.fail(
        "a node mirrors its Gaussians or scales its axes differently; apply its transform to them first");
  }
  primitive.scaling = std::sqrt(square);
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) {
      primitive.turn[row][column] = placement.linear[row][column] / primitive.scaling;
    }
  }
  primitive.translation = placement.translation;
}

void read_notes(const Document& glb, const json& from, GaussianNotes& notes) {
  if (const auto lambda = from.find("lambdaOpacity"); lambda != from.end() && lambda->is_number()) {
    const double value = lambda->get<double>();
    if (value > 0 && value < 1e6) notes.lambda_opacity = value;
  }
  if (const auto mip = from.find("lowPassCompensation"); mip != from.end() && mip->is_boolean()) {
    notes.low_pass_compensation = mip->get<bool>();
  }
  notes.transfer_function = glb.text(from, "transferFunction", "");
  notes.model = glb.text(from, "model", "");
  if (const json* const sphere = glb.object(from, "viewSphere"); sphere != nullptr) {
    const json* const centre = glb.array(*sphere, "center");
    const auto radius = sphere->find("radius");
    const bool good =
        centre != nullptr && centre->size() == 3 &&
        std::all_of(centre->begin(), centre->end(), [](const json& v) { return v.is_number(); }) &&
        radius != sphere->end() && radius->is_number() && radius->get<double>() > 0;
    if (!good) glb.fail("its viewSphere is not a centre and a radius");
    const Vec3d point{(*centre)[0].get<double>(), (*centre)[1].get<double>(), (*centre)[2].get<double>()};
    notes.view_sphere = ViewSphere{transposed(kYUpMetres.from_lps) * point * kYUpMetres.unit_mm,
                                   radius->get<double>() * kYUpMetres.unit_mm};
  }
  if (const json* const labels = glb.object(from, "labels"); labels != nullptr) {
    for (const auto& [key, value] : labels->items()) {
      int number = 0;
      const auto parsed = std::from_chars(key.data(), key.data() + key.size(), number);
      if (parsed.ec != std::errc() || number < 1 || number > 255 || !value.is_string()) {
        glb.fail("its labels are not names by numbers from 1 to 255");
      }
      notes.label_names[static_cast<std::uint8_t>(number)] = value.get<std::string>();
    }
  }
}

int complete_sh_degree(const Document& glb, const json& attributes) {
  int degree = 0;
  for (int d = 1; d <= 3; ++d) {
    int found = 0;
    for (int k = 0; k < 2 * d + 1; ++k) {
      found += attributes.contains(fmt::format("{}:SH_DEGREE_{}_COEF_{}", glb::kBase, d, k)) ? 1 : 0;
    }
    if (found == 0) break;
    if (found != 2 * d + 1) glb.fail(fmt::format("its SH of degree {} are not complete", d));
    degree = d;
  }
  return degree;
}

Primitive read_primitive(const Document& glb, const json& primitive, DecodedFile& file) {
  const json* const attributes = glb.object(primitive, "attributes");
  if (attributes == nullptr || glb.number(primitive, "mode", 4) != 0) {
    glb.fail("its Gaussians are not a primitive of points (mode 0)");
  }
  Primitive out;
  out.position = attribute(glb, *attributes, "POSITION", 3, -1);
  const std::int64_t count = out.position.count;
  out.rotation = attribute(glb, *attributes, glb::kBase + ":ROTATION", 4, count);
  out.scale = attribute(glb, *attributes, glb::kBase + ":SCALE", 3, count);
  out.opacity = attribute(glb, *attributes, glb::kBase + ":OPACITY", 1, count);
  const int degree = complete_sh_degree(glb, *attributes);
  file.facts.sh_degree = std::max(file.facts.sh_degree, degree);
  out.sh.push_back(attribute(glb, *attributes, glb::kBase + ":SH_DEGREE_0_COEF_0", 3, count));
  for (int k = 0; k < 3 && degree > 0; ++k) {
    out.sh.push_back(
        attribute(glb, *attributes, fmt::format("{}:SH_DEGREE_1_COEF_{}", glb::kBase, k), 3, count));
  }
  if (attributes->contains(glb::kSix + ":DIRECTION_MEAN")) {
    Primitive::Six six;
    six.mean = attribute(glb, *attributes, glb::kSix + ":DIRECTION_MEAN", 3, count);
    six.diagonal = attribute(glb, *attributes, glb::kSix + ":DIR_CHOL_DIAGONAL", 3, count);
    six.lower = attribute(glb, *attributes, glb::kSix + ":DIR_CHOL_LOWER", 3, count);
    for (int row = 0; row < 3; ++row) {
      six.shift[row] = attribute(glb, *attributes, fmt::format("{}:DIR_SHIFT_{}", glb::kSix, row), 3, count);
    }
    out.six = six;
    file.facts.six_dimensional = true;
  }
  if (attributes->contains(glb::kSix + ":LABEL")) {
    out.label = attribute(glb, *attributes, glb::kSix + ":LABEL", 1, count);
  }
  return out;
}

bool gaussian_of(const Document& glb, const Primitive& from, std::int64_t n, Gaussian6d& g) {
  const auto vector = [&](const Accessor& accessor) {
    return Vec3d{glb.value(accessor, n, 0), glb.value(accessor, n, 1), glb.value(accessor, n, 2)};
  };
  g.position = vector(from.position);
  for (std::size_t k = 0; k < from.sh.size(); ++k) {
    const Vec3d rgb = vector(from.sh[k]);
    for (int channel = 0; channel < 3; ++channel)
      g.sh[3 * k + static_cast<std::size_t>(channel)] = rgb[channel];
  }
  g.opacity = glb.value(from.opacity, n, 0);
  Quaternion wxyz{};
  for (int part = 0; part < 4; ++part)
    wxyz[static_cast<std::size_t>((part + 1) % 4)] = glb.value(from.rotation, n, part);
  for (const double part : wxyz) {
    if (!std::isfinite(part)) return false;
  }
  if (!(g.opacity >= 0) || !set_extent(g, wxyz, vector(from.scale))) return false;
  for (int axis = 0; axis < 3; ++axis) g.a[axis][axis] = kPlainDirectionScale;
  if (from.six) {
    g.direction_mean = vector(from.six->mean);
    const Vec3d diagonal = vector(from.six->diagonal), lower = vector(from.six->lower);
    g.a = lower_from({diagonal.x, lower.x, diagonal.y, lower.y, lower.z, diagonal.z});
    for (int row = 0; row < 3; ++row) {
      const Vec3d shift = vector(from.six->shift[row]);
      for (int column = 0; column < 3; ++column) g.b[row][column] = shift[column];
    }
  }
  if (from.label) {
    const double label = glb.value(*from.label, n, 0);
    if (!(label >= 0 && label < 256)) return false;
    g.label = static_cast<std::uint8_t>(label);
  }
  if (!transform(g, from.turn, from.scaling)) return false;
  g.position = g.position + from.translation;
  return out_of_frame(g, kYUpMetres);
}

std::vector<Primitive> collect(const Document& glb, DecodedFile& file) {
  std::vector<Primitive> primitives;
  for (const glb::Placement& placement : glb.placements()) {
    const json& mesh = glb.element("meshes", static_cast<std::int64_t>(placement.mesh));
    const json* const list = glb.array(mesh, "primitives");
    if (list == nullptr) continue;
    for (const json& primitive : *list) {
      const json* const extensions = primitive.is_object() ? glb.object(primitive, "extensions") : nullptr;
      const json* const base = extensions != nullptr ? glb.object(*extensions, glb::kBase.c_str()) : nullptr;
      if (base == nullptr) continue;
      check_extension(glb, *base);
      const bool first = primitives.empty();
      primitives.push_back(read_primitive(glb, primitive, file));
      place(glb, placement, primitives.back());
      const json* const six = glb.object(*extensions, glb::kSix.c_str());
      if (first && six != nullptr) read_notes(glb, *six, file.rows.notes);
    }
  }
  if (primitives.empty()) glb.fail("its scene holds no primitive with KHR_gaussian_splatting");
  return primitives;
}

void check_required(const Document& glb) {
  const json* const required = glb.array(glb.root(), "extensionsRequired");
  if (required == nullptr) return;
  for (const json& extension : *required) {
    const std::string name = extension.is_string() ? extension.get<std::string>() : "?";
    if (name != glb::kBase && name != glb::kSix) {
      glb.fail(fmt::format("it requires the extension {}, which is not known here", name));
    }
  }
}

}  // namespace

DecodedFile decode_glb(InputBytes& input, Unusable unusable) {
  const Document glb(input);
  check_required(glb);
  DecodedFile file;
  file.facts.format = "glb";
  file.facts.layout = glb::kBase;
  file.facts.frame = "y up, metres";
  file.rows.notes.low_pass_compensation = false;
  const std::vector<Primitive> primitives = collect(glb, file);
  if (file.facts.six_dimensional) file.facts.layout += " with " + glb::kSix;
  if (file.facts.sh_degree > 1)
    file.facts.remarks.push_back("spherical harmonics above degree 1 are dropped");
  std::int64_t count = 0;
  for (const Primitive& primitive : primitives) {
    count = std::min(count + primitive.position.count, std::int64_t{1} << 40);
  }
  file.facts.count = count;
  make_room(file.rows, count, input.name());
  std::vector<std::uint8_t> usable(static_cast<std::size_t>(count));
  std::int64_t start = 0;
  for (const Primitive& primitive : primitives) {
    parallel_for(0, primitive.position.count, 2048, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = begin; n < end; ++n) {
        Gaussian6d gaussian;
        const bool good = gaussian_of(glb, primitive, n, gaussian) && store(gaussian, file.rows, start + n);
        usable[static_cast<std::size_t>(start + n)] = good ? 1 : 0;
      }
    });
    start += primitive.position.count;
  }
  settle_unusable(usable, unusable, file, input.name());
  return file;
}

}  // namespace renderfm
