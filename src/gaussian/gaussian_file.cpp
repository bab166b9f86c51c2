#include "renderfm/gaussian/gaussian_file.h"

#include <torch/types.h>

#include <memory>

#include "gaussian/files/codecs.h"
#include "renderfm/core/check.h"
#include "renderfm/core/log.h"
#include "renderfm/gaussian/glb.h"
#include "renderfm/gaussian/ply.h"
#include "renderfm/gaussian/splat.h"
#include "renderfm/gaussian/spz.h"
#include "renderfm/tensor/check_tensor.h"

namespace renderfm {
namespace {

namespace fs = std::filesystem;

/// A tensor that owns what the column held, without a copy.
template <class T>
torch::Tensor adopt(std::vector<T>& column, std::vector<std::int64_t> shape, torch::ScalarType type) {
  auto owner = std::make_shared<std::vector<T>>(std::move(column));
  if (owner->empty()) return torch::empty(shape, type);
  return torch::from_blob(
      owner->data(), shape, [owner](void*) {}, type);
}

GaussianSet set_of(DecodedFile file, const std::string& name) {
  for (const std::string& remark : file.facts.remarks) {
    if (remark.find("dropped") != std::string::npos) log_warning("{}: {}", name, remark);
  }
  GaussianRows& rows = file.rows;
  const std::int64_t count = rows.size();
  GaussianSet set;
  static_cast<GaussianNotes&>(set) = rows.notes;
  set.position_mm = adopt(rows.position_mm, {count, 3}, torch::kFloat32);
  set.sh = adopt(rows.sh, {count, layout::kShCount}, torch::kFloat32);
  set.opacity = adopt(rows.opacity, {count}, torch::kFloat32);
  set.direction_mean = adopt(rows.direction_mean, {count, 3}, torch::kFloat32);
  set.chol = adopt(rows.chol, {count, layout::kCholCount}, torch::kFloat32);
  set.label = adopt(rows.label, {count}, torch::kUInt8);
  return set;
}

GaussianSet read(const fs::path& path, GaussianFormat format) {
  FileInput input(path);
  return set_of(decode(format, input), path.string());
}

/// Calls `write` with the columns of the set, on the CPU and contiguous.
template <class Write>
void with_columns(const GaussianSet& gaussians, const Write& write) {
  GaussianSet set = gaussians.to(torch::kCPU);
  const std::int64_t count = set.size();
  check_tensor(set.position_mm, "position_mm", {count, 3});
  check_tensor(set.sh, "sh", {count, layout::kShCount});
  check_tensor(set.opacity, "opacity", {count});
  check_tensor(set.direction_mean, "direction_mean", {count, 3});
  check_tensor(set.chol, "chol", {count, layout::kCholCount});
  for (torch::Tensor* tensor : {&set.position_mm, &set.sh, &set.opacity, &set.direction_mean, &set.chol}) {
    *tensor = tensor->detach().contiguous();
  }
  if (set.label.defined()) set.label = set.label.to(torch::kUInt8).contiguous();
  write(GaussianColumns{set.position_mm.const_data_ptr<float>(), set.sh.const_data_ptr<float>(),
                        set.opacity.const_data_ptr<float>(), set.direction_mean.const_data_ptr<float>(),
                        set.chol.const_data_ptr<float>(),
                        set.label.defined() ? set.label.const_data_ptr<std::uint8_t>() : nullptr, count,
                        &set});
}

}  // namespace

GaussianSet read_ply(const fs::path& path) { return read(path, GaussianFormat::kPly); }
GaussianSet read_glb(const fs::path& path) { return read(path, GaussianFormat::kGlb); }
GaussianSet read_spz(const fs::path& path) { return read(path, GaussianFormat::kSpz); }
GaussianSet read_splat(const fs::path& path) { return read(path, GaussianFormat::kSplat); }

void write_ply(const GaussianSet& gaussians, const fs::path& path, PlyFlavor flavor) {
  with_columns(gaussians, [&](const GaussianColumns& columns) { encode_ply(columns, path, flavor); });
}
void write_glb(const GaussianSet& gaussians, const fs::path& path, int sh_degree) {
  with_columns(gaussians, [&](const GaussianColumns& columns) { encode_glb(columns, path, sh_degree); });
}
void write_spz(const GaussianSet& gaussians, const fs::path& path, int sh_degree) {
  with_columns(gaussians, [&](const GaussianColumns& columns) { encode_spz(columns, path, sh_degree); });
}
void write_splat(const GaussianSet& gaussians, const fs::path& path) {
  with_columns(gaussians, [&](const GaussianColumns& columns) { encode_splat(columns, path); });
}

GaussianFormat required_gaussian_format(const fs::path& path) {
  const auto format = gaussian_format(path);
  if (!format) {
    fail_input("{} is no Gaussian file by its suffix; those are {}", path.string(), gaussian_suffixes());
  }
  return *format;
}

std::int64_t bytes_per_gaussian(GaussianFormat format, const GaussianFileOptions& options) {
  const bool linear = options.sh_degree > 0;
  switch (format) {
    case GaussianFormat::kPly: return options.ply_flavor == PlyFlavor::kInria ? 248 : 168;
    case GaussianFormat::kGlb: return linear ? 172 : 136;
    case GaussianFormat::kSpz: return linear ? 29 : 20;
    default: return 32;
  }
}

GaussianSet read_gaussians(const fs::path& path) { return read(path, required_gaussian_format(path)); }

void write_gaussians(const GaussianSet& gaussians, const fs::path& path, const GaussianFileOptions& options) {
  switch (required_gaussian_format(path)) {
    case GaussianFormat::kGlb: return write_glb(gaussians, path, options.sh_degree);
    case GaussianFormat::kSpz: return write_spz(gaussians, path, options.sh_degree);
    case GaussianFormat::kSplat: return write_splat(gaussians, path);
    default: break;
  }
  if (options.sh_degree > 0) return write_ply(gaussians, path, options.ply_flavor);
  GaussianSet flat = gaussians;
  flat.sh = gaussians.sh.clone();
  flat.sh.slice(1, 3).zero_();
  write_ply(flat, path, options.ply_flavor);
}

}  // namespace renderfm
