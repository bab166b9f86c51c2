#include "gaussian/files/ply_layout.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "gaussian/files/conditional.h"
#include "renderfm/core/check.h"
#include "renderfm/gaussian/activate.h"

namespace renderfm {
namespace {

constexpr int kMaxRest = 72;  // SH degree 4, the highest that any tool writes

template <class T>
double load(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return static_cast<double>(value);
}

double value_of(const char* vertex, const PlyProperty& property) {
  const char* const bytes = vertex + property.offset;
  switch (property.type) {
    case PlyType::kInt8: return load<std::int8_t>(bytes);
    case PlyType::kUint8: return load<std::uint8_t>(bytes);
    case PlyType::kInt16: return load<std::int16_t>(bytes);
    case PlyType::kUint16: return load<std::uint16_t>(bytes);
    case PlyType::kInt32: return load<std::int32_t>(bytes);
    case PlyType::kUint32: return load<std::uint32_t>(bytes);
    case PlyType::kFloat32: return load<float>(bytes);
    default: return load<double>(bytes);
  }
}

Vec3d vector_of(const char* vertex, const std::vector<const PlyProperty*>& columns) {
  return {value_of(vertex, *columns[0]), value_of(vertex, *columns[1]), value_of(vertex, *columns[2])};
}

std::vector<std::string> names(const std::string& stem, int count) {
  std::vector<std::string> list;
  for (int n = 0; n < count; ++n) list.push_back(fmt::format("{}_{}", stem, n));
  return list;
}

}  // namespace

PlyLayout::PlyLayout(const PlyHeader& header, const std::string& file, double lambda_opacity)
    : header_(header), file_(file), lambda_opacity_(lambda_opacity) {
  position_ = required({"x", "y", "z"});
  dc_ = required({"f_dc_0", "f_dc_1", "f_dc_2"});
  opacity_ = required({"opacity"});
  while (rest_count_ < kMaxRest && has(fmt::format("f_rest_{}", rest_count_))) ++rest_count_;
  if (rest_count_ % 3 != 0) {
    fail_input("{} has {} f_rest properties; SH needs the same number for red, green and blue", file_,
               rest_count_);
  }
  rest_ = required(names("f_rest", rest_count_));
  label_ = header.find("label");
  find_kind();
}

void PlyLayout::find_kind() {
  const bool joint = has("l_triangle_0") || has("l_triangs_0");
  if (has("mean_time_0") || has("l_triangle_15") || has("l_triangs_15") || has("L_22_inv_6")) {
    fail_input(
        "{} holds Gaussians that change with time (7DGS); only those of position and direction are read",
        file_);
  }
  if (has("dir_chol_0")) {
    kind_ = Kind::kRenderfm;
    direction_mean_ = required({"nx", "ny", "nz"});
    triangle_ = required(names("dir_chol", 6));
    shift_ = required(names("dir_shift", 9));
  } else if (joint) {
    kind_ = Kind::k6dgs;
    triangle_ = numbered({"l_triangle", "l_triangs"}, 15);
    scale_ = numbered({"scale", "diags"}, 6);
    lambda_ = header_.find("lambda_opc");
    find_direction_mean();
    return;
  } else if (has("L_22_inv_0")) {
    kind_ = Kind::kDgs;
    triangle_ = required(names("L_22_inv", 6));
    if (has("v_12_direction_0")) {
      shift_ = required(names("v_12_direction", 9));
      shift_weight_ = required({"lambda_view"}).front();
    }
    find_direction_mean();
  }
  scale_ = required(names("scale", 3));
  rotation_ = required(names("rot", 4));
}

void PlyLayout::find_direction_mean() {
  direction_mean_ =
      has("mean_view_0") || has("mean_0") ? numbered({"mean_view", "mean"}, 3) : required({"nx", "ny", "nz"});
}

PlyLayout::Columns PlyLayout::required(const std::vector<std::string>& wanted) const {
  Columns columns;
  for (const std::string& name : wanted) {
    const PlyProperty* property = header_.find(name);
    if (property == nullptr) {
      fail_input("{} holds no Gaussians that can be read here: the property '{}' is missing", file_, name);
    }
    columns.push_back(property);
  }
  return columns;
}

PlyLayout::Columns PlyLayout::numbered(const std::vector<std::string>& stems, int count) const {
  const auto stem =
      std::find_if(stems.begin(), stems.end(), [&](const std::string& s) { return has(s + "_0"); });
  return required(names(stem == stems.end() ? stems.front() : *stem, count));
}

bool PlyLayout::read(const char* vertex, Gaussian6d& g) const {
  g.position = vector_of(vertex, position_);
  const auto per_channel = static_cast<std::size_t>(rest_count_ / 3);
  for (std::size_t channel = 0; channel < 3; ++channel) {
    g.sh[channel] = value_of(vertex, *dc_[channel]);
    for (std::size_t band = 0; band < 3; ++band) {
      g.sh[3 * (band + 1) + channel] =
          band < per_channel ? value_of(vertex, *rest_[channel * per_channel + band]) : 0;
    }
  }
  // Written out where the file has more bands than are kept, so that a NaN anywhere is noticed.
  for (const PlyProperty* property : rest_) {
    if (!std::isfinite(value_of(vertex, *property))) return false;
  }
  const double logit = value_of(vertex, *opacity_[0]);
  if (std::isnan(logit)) return false;
  g.opacity = layout::sigmoid(logit);
  const double label = label_ != nullptr ? value_of(vertex, *label_) : 0;
  if (!std::isfinite(label)) return false;
  g.label = static_cast<std::uint8_t>(std::clamp(label, 0.0, 255.0));
  g.a = g.b = g.c = {};
  for (int axis = 0; axis < 3; ++axis) g.a[axis][axis] = kPlainDirectionScale;
  if (!direction_mean_.empty()) g.direction_mean = vector_of(vertex, direction_mean_);
  if (kind_ == Kind::k6dgs || kind_ == Kind::kDgs) {
    // Both normalise the mean direction where they use it.
    const double length = norm(g.direction_mean);
    if (length > 0) g.direction_mean = g.direction_mean * (1 / length);
  }
  if (kind_ == Kind::k6dgs) return read_6dgs(vertex, g);

  const Quaternion wxyz{value_of(vertex, *rotation_[0]), value_of(vertex, *rotation_[1]),
                        value_of(vertex, *rotation_[2]), value_of(vertex, *rotation_[3])};
  for (const double part : wxyz) {
    if (!std::isfinite(part)) return false;
  }
  const Vec3d scale = vector_of(vertex, scale_);
  if (!set_extent(g, wxyz, {std::exp(scale.x), std::exp(scale.y), std::exp(scale.z)})) return false;
  if (kind_ == Kind::kRenderfm) read_renderfm(vertex, g);
  return kind_ != Kind::kDgs || read_dgs(vertex, g);
}

void PlyLayout::read_renderfm(const char* vertex, Gaussian6d& g) const {
  std::array<double, 6> chol{};
  for (std::size_t n = 0; n < chol.size(); ++n) chol[n] = value_of(vertex, *triangle_[n]);
  g.a = lower_from(chol);
  for (std::size_t n = 0; n < 9; ++n) g.b[static_cast<int>(n / 3)][n % 3] = value_of(vertex, *shift_[n]);
}

bool PlyLayout::read_6dgs(const char* vertex, Gaussian6d& g) const {
  // L of (x y z, d0 d1 d2), diagonal exp, the rest 2 sigmoid - 1, row by row.
  double l[6][6]{};
  std::size_t entry = 0;
  for (int row = 0; row < 6; ++row) {
    for (int column = 0; column < row; ++column) {
      l[row][column] = 2 * layout::sigmoid(value_of(vertex, *triangle_[entry++])) - 1;
    }
    l[row][row] = std::exp(value_of(vertex, *scale_[static_cast<std::size_t>(row)]));
  }
  Mat3d p{}, r{}, d{};
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) {
      p[row][column] = l[row][column];
      r[row][column] = l[row + 3][column];
      d[row][column] = l[row + 3][column + 3];
    }
  }
  Conditional out{};
  if (!from_joint(p, r, d, out)) return false;
  const double lambda = lambda_ != nullptr ? layout::sigmoid(value_of(vertex, *lambda_)) : lambda_opacity_;
  if (!std::isfinite(lambda)) return false;
  absorb_falloff(lambda, lambda_opacity_, out);
  g.a = out.a;
  g.b = out.b;
  g.c = out.c;
  return true;
}

bool PlyLayout::read_dgs(const char* vertex, Gaussian6d& g) const {
  std::array<double, 6> entries{};
  for (std::size_t n = 0; n < entries.size(); ++n) {
    const double value = value_of(vertex, *triangle_[n]);
    entries[n] = n == 0 || n == 2 || n == 5 ? std::exp(value) : value;
  }
  // V = sigmoid(lambda_view) s̄ direction / |direction| over all nine, s̄ the mean of the three extents.
  Mat3d v{};
  if (!shift_.empty()) {
    double squares = 0;
    for (std::size_t n = 0; n < 9; ++n) {
      const double value = value_of(vertex, *shift_[n]);
      v[static_cast<int>(n / 3)][n % 3] = value;
      squares += value * value;
    }
    const Vec3d scale = vector_of(vertex, scale_);
    const double mean_extent = (std::exp(scale.x) + std::exp(scale.y) + std::exp(scale.z)) / 3;
    const double weight = layout::sigmoid(value_of(vertex, *shift_weight_)) * mean_extent;
    for (int row = 0; row < 3; ++row) {
      for (int column = 0; column < 3; ++column)
        v[row][column] *= squares > 0 ? weight / std::sqrt(squares) : 0;
    }
  }
  Conditional out{};
  if (!from_precision(lower_from(entries), v, out)) return false;
  g.a = out.a;
  g.b = out.b;
  return true;
}

void PlyLayout::describe(FileFacts& facts) const {
  const int per_channel = rest_count_ / 3;
  while ((facts.sh_degree + 2) * (facts.sh_degree + 2) - 1 <= per_channel) ++facts.sh_degree;
  facts.six_dimensional = kind_ != Kind::kPlain;
  facts.layout = kind_ == Kind::kRenderfm ? "renderfm"
                 : kind_ == Kind::k6dgs   ? "6dgs"
                 : kind_ == Kind::kDgs    ? "dgs"
                                          : "3dgs";
  if (facts.sh_degree > 1) facts.remarks.push_back("spherical harmonics above degree 1 are dropped");
  const bool inria = header_.properties.size() == 62 && rest_count_ == 45 && has("nx") && has("rot_3") &&
                     header_.vertex_bytes == 248;
  if (!inria) {
    facts.remarks.push_back(fmt::format(
        "importers that insist on the 62 floats (248 bytes) of 3DGS refuse its {} properties of {} "
        "bytes; write it with --ply-flavor inria for them",
        header_.properties.size(), header_.vertex_bytes));
  }
}

}  // namespace renderfm
