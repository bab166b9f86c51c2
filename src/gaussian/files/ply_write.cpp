#include <algorithm>
#include <cmath>
#include <vector>

#include "gaussian/files/codecs.h"
#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/gaussian/activate.h"

namespace renderfm {
namespace {

constexpr std::int64_t kBlock = 1 << 16;  // Gaussians encoded and written at a time
constexpr int kRestPadded = 45;           // f_rest of SH degree 3

void append_properties(std::string& header, const std::string& stem, int count) {
  for (int n = 0; n < count; ++n) header += fmt::format("property float {}_{}\n", stem, n);
}

/// A name on one line of the header, whatever it was made of.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' '; }, ' ');
  return text;
}

std::string header_text(const GaussianNotes& set, std::int64_t count, PlyFlavor flavor) {
  const bool full = flavor == PlyFlavor::kRenderfm;
  std::string text = "ply\nformat binary_little_endian 1.0\n";
  text += "comment renderfm_format 1\n";
  text += fmt::format("comment lambda_opacity {:g}\n", set.lambda_opacity);
  text += "comment frame LPS mm\n";
  text += fmt::format("comment SplatRenderMode: {}\n", set.low_pass_compensation ? "mip" : "default");
  if (set.view_sphere) {
    const auto& [centre, radius_mm] = *set.view_sphere;
    text += fmt::format("comment view_sphere {:.4f} {:.4f} {:.4f} {:.4f}\n", centre.x, centre.y, centre.z,
                        radius_mm);
  }
  if (!set.transfer_function.empty())
    text += fmt::format("comment transfer_function {}\n", one_line(set.transfer_function));
  if (!set.model.empty()) text += fmt::format("comment model {}\n", one_line(set.model));
  for (const auto& [label, name] : set.label_names) {
    text += fmt::format("comment label {} {}\n", label, one_line(name));
  }
  text += fmt::format("element vertex {}\n", count);
  for (const char* name : {"x", "y", "z", "nx", "ny", "nz"}) text += fmt::format("property float {}\n", name);
  append_properties(text, "f_dc", 3);
  append_properties(text, "f_rest", full ? 9 : kRestPadded);
  text += "property float opacity\n";
  append_properties(text, "scale", 3);
  append_properties(text, "rot", 4);
  if (full) {
    append_properties(text, "dir_chol", 6);
    append_properties(text, "dir_shift", 9);
    text += "property float label\n";
  }
  return text + "end_header\n";
}

// Spherical harmonics are [coefficient][RGB] in memory and [RGB][coefficient] in the file.
float* write_sh(const float* sh, int rest_per_channel, float* out) {
  for (int channel = 0; channel < 3; ++channel) *out++ = sh[channel];
  for (int channel = 0; channel < 3; ++channel) {
    for (int n = 0; n < rest_per_channel; ++n) *out++ = n < 3 ? sh[(n + 1) * 3 + channel] : 0.0F;
  }
  return out;
}

float* write_scale_and_rotation(const Gaussian6d& gaussian, float* out) {
  const PrincipalAxes axes = extent_of(gaussian);
  for (int axis = 0; axis < 3; ++axis) *out++ = static_cast<float>(0.5 * std::log(axes.values[axis]));
  for (const double part : quaternion_from_rotation(axes.rotation)) *out++ = static_cast<float>(part);
  return out;
}

}  // namespace

void encode_ply(const GaussianColumns& set, const std::filesystem::path& path, PlyFlavor flavor) {
  const bool full = flavor == PlyFlavor::kRenderfm;
  const int floats = full ? 42 : 62;
  AtomicFile file(path);
  file.write(header_text(*set.notes, set.count, flavor));
  std::vector<float> block(static_cast<std::size_t>(std::min(kBlock, set.count) * floats));
  for (std::int64_t first = 0; first < set.count; first += kBlock) {
    const std::int64_t count = std::min(kBlock, set.count - first);
    parallel_for(0, count, 2048, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        const std::int64_t n = first + row;
        float* const start = block.data() + row * floats;
        float* out = start;
        const float* const l = set.chol + n * layout::kCholCount;
        for (int axis = 0; axis < 3; ++axis) *out++ = set.position_mm[n * 3 + axis];
        for (int axis = 0; axis < 3; ++axis) *out++ = set.direction_mean[n * 3 + axis];
        out = write_sh(set.sh + n * layout::kShCount, full ? 3 : kRestPadded / 3, out);
        *out++ = layout::logit(set.opacity[n]);
        out = write_scale_and_rotation(load(set, n), out);
        if (full) {
          for (int entry = 0; entry < 6; ++entry) *out++ = l[entry];
          for (int r = 0; r < 3; ++r) {
            for (int c = 0; c < 3; ++c) *out++ = l[layout::b_index(r, c)];
          }
          *out++ = set.label != nullptr ? static_cast<float>(set.label[n]) : 0.0F;
        }
        for (const float* value = start; value != out; ++value) {
          RFM_CHECK(std::isfinite(*value),
                    "Gaussian {} has a value that is not finite and cannot be written to {}", n,
                    path.string());
        }
      }
    });
    file.write(block.data(), static_cast<std::size_t>(count * floats) * sizeof(float));
  }
  file.commit();
}

}  // namespace renderfm
