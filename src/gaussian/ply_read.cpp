#include <torch/types.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <sstream>

#include "ply_header.h"
#include "renderfm/core/check.h"
#include "renderfm/core/log.h"
#include "renderfm/core/parallel.h"
#include "renderfm/gaussian/activate.h"
#include "renderfm/gaussian/ply.h"
#include "renderfm/math/rotation.h"

namespace renderfm {
namespace {

constexpr double kPlainDirectionScale =
    1e4;  // A of a file without the sixth dimension: the same from every side
constexpr std::int64_t kBlock = 1 << 16;

template <class T>
float load(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return static_cast<float>(value);
}

float read_value(const char* vertex, const PlyProperty& property) {
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

/// The properties of one quantity, in order.
using Columns = std::vector<const PlyProperty*>;

class Layout {
 public:
  Layout(const PlyHeader& header, const std::filesystem::path& path) : header_(header), path_(path) {
    position = required({"x", "y", "z"});
    dc = required({"f_dc_0", "f_dc_1", "f_dc_2"});
    opacity = required({"opacity"});
    scale = required(numbered("scale", 3));
    rotation = required(numbered("rot", 4));
    six_dimensional = header.find("dir_chol_0") != nullptr;
    if (six_dimensional) {
      normal = required({"nx", "ny", "nz"});
      dir_chol = required(numbered("dir_chol", 6));
      dir_shift = required(numbered("dir_shift", 9));
    }
    label = header.find("label");
    while (header.find(fmt::format("f_rest_{}", rest_count)) != nullptr) ++rest_count;
    if (rest_count % 3 != 0) {
      fail_input("{} has {} f_rest properties; SH needs the same number for red, green and blue",
                 path.string(), rest_count);
    }
    rest = required(numbered("f_rest", rest_count));
  }

  Columns position, dc, rest, opacity, scale, rotation, normal, dir_chol, dir_shift;
  const PlyProperty* label = nullptr;
  int rest_count = 0;
  bool six_dimensional = false;

 private:
  static std::vector<std::string> numbered(const std::string& stem, int count) {
    std::vector<std::string> names;
    for (int n = 0; n < count; ++n) names.push_back(fmt::format("{}_{}", stem, n));
    return names;
  }

  Columns required(const std::vector<std::string>& names) const {
    Columns columns;
    for (const std::string& name : names) {
      const PlyProperty* property = header_.find(name);
      if (property == nullptr) {
        fail_input("{} holds no Gaussians that can be read here: the property '{}' is missing",
                   path_.string(), name);
      }
      columns.push_back(property);
    }
    return columns;
  }

  const PlyHeader& header_;
  const std::filesystem::path& path_;
};

void read_comments(const PlyHeader& header, GaussianSet& set) {
  set.low_pass_compensation = false;
  for (const std::string& comment : header.comments) {
    std::istringstream words(comment);
    std::string key;
    words >> key;
    std::string rest;
    std::getline(words >> std::ws, rest);
    std::istringstream values(rest);
    if (key == "lambda_opacity") {
      values >> set.lambda_opacity;
    } else if (key == "SplatRenderMode:") {
      set.low_pass_compensation = rest == "mip";
    } else if (key == "view_sphere") {
      ViewSphere sphere;
      if (values >> sphere.centre_mm.x >> sphere.centre_mm.y >> sphere.centre_mm.z >> sphere.radius_mm &&
          sphere.radius_mm > 0) {
        set.view_sphere = sphere;
      }
    } else if (key == "transfer_function") {
      set.transfer_function = rest;
    } else if (key == "model") {
      set.model = rest;
    } else if (key == "label") {
      int number = 0;
      std::string name;
      if (values >> number >> name && number > 0 && number < 256) {
        set.label_names[static_cast<std::uint8_t>(number)] = name;
      }
    }
  }
}

struct Targets {
  float *position, *sh, *opacity, *mean, *chol;
  std::uint8_t* label;
};

/// False where a value is not finite or a shape is degenerate.
bool read_gaussian(const char* vertex, const Layout& columns, std::int64_t n, const Targets& to) {
  bool finite = true;
  const auto value = [&](const PlyProperty* property) {
    const float read = read_value(vertex, *property);
    finite = finite && std::isfinite(read);
    return read;
  };
  for (int axis = 0; axis < 3; ++axis) to.position[n * 3 + axis] = value(columns.position[axis]);
  float* const sh = to.sh + n * layout::kShCount;
  const int per_channel = columns.rest_count / 3;
  for (int channel = 0; channel < 3; ++channel) {
    sh[channel] = value(columns.dc[channel]);
    for (int band = 0; band < 3; ++band) {
      sh[(band + 1) * 3 + channel] =
          band < per_channel ? value(columns.rest[channel * per_channel + band]) : 0.0F;
    }
  }
  to.opacity[n] = layout::sigmoid(value(columns.opacity[0]));

  Quaternion quaternion{};
  for (int part = 0; part < 4; ++part) quaternion[part] = value(columns.rotation[part]);
  const Mat3d rotation = rotation_from_quaternion(quaternion);
  Mat3d scaled = rotation;
  for (int axis = 0; axis < 3; ++axis) {
    const double sigma_mm = std::exp(static_cast<double>(value(columns.scale[axis])));
    for (int row = 0; row < 3; ++row) scaled[row][axis] *= sigma_mm;
  }
  Mat3d c{};
  if (!finite || !cholesky(scaled * transposed(scaled), c)) return false;

  float* const l = to.chol + n * layout::kCholCount;
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) {
      if (column <= row) {
        l[layout::c_index(row, column)] = static_cast<float>(c[row][column]);
        l[layout::a_index(row, column)] =
            columns.six_dimensional ? value(columns.dir_chol[layout::a_index(row, column)])
                                    : (row == column ? static_cast<float>(kPlainDirectionScale) : 0.0F);
      }
      l[layout::b_index(row, column)] =
          columns.six_dimensional ? value(columns.dir_shift[row * 3 + column]) : 0.0F;
    }
    to.mean[n * 3 + row] = columns.six_dimensional ? value(columns.normal[row]) : 0.0F;
  }
  if (columns.label != nullptr) {
    to.label[n] = static_cast<std::uint8_t>(std::clamp(value(columns.label), 0.0F, 255.0F));
  }
  return finite;
}

}  // namespace

GaussianSet read_ply(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream || std::filesystem::is_directory(path)) {
    fail_input("cannot read {}: no such file, or no permission", path.string());
  }
  const PlyHeader header = read_ply_header(stream, path);
  const Layout columns(header, path);
  if (columns.rest_count > 9) {
    log_warning("{} has spherical harmonics above degree 1; they are dropped", path.string());
  }

  const std::int64_t count = header.vertex_count;
  GaussianSet set;
  read_comments(header, set);
  set.position_mm = torch::empty({count, 3});
  set.sh = torch::empty({count, layout::kShCount});
  set.opacity = torch::empty({count});
  set.direction_mean = torch::empty({count, 3});
  set.chol = torch::empty({count, layout::kCholCount});
  set.label = torch::zeros({count}, torch::kUInt8);
  const Targets targets{set.position_mm.data_ptr<float>(), set.sh.data_ptr<float>(),
                        set.opacity.data_ptr<float>(),     set.direction_mean.data_ptr<float>(),
                        set.chol.data_ptr<float>(),        set.label.data_ptr<std::uint8_t>()};

  std::vector<char> block(static_cast<std::size_t>(std::min(kBlock, count) * header.vertex_bytes));
  std::atomic<std::int64_t> first_bad{count};
  for (std::int64_t first = 0; first < count && first_bad == count; first += kBlock) {
    const std::int64_t rows = std::min(kBlock, count - first);
    stream.read(block.data(), rows * header.vertex_bytes);
    if (!stream) fail_input("cannot read {}: the file ends early or the disk fails", path.string());
    parallel_for(0, rows, 2048, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        if (read_gaussian(block.data() + row * header.vertex_bytes, columns, first + row, targets)) continue;
        std::int64_t seen = first_bad;
        while (first + row < seen && !first_bad.compare_exchange_weak(seen, first + row)) {
        }
      }
    });
  }
  if (first_bad < count) {
    fail_input("{} is damaged: Gaussian {} has a value that is not finite or a shape without extent",
               path.string(), first_bad.load());
  }
  return set;
}

}  // namespace renderfm
