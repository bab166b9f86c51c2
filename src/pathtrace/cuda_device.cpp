// The host side of path tracing on a GPU: a copy of the medium there, and the film's sums to and fro.
#include "renderfm/pathtrace/cuda_device.h"

#include <optional>
#include <vector>

#include "common/cuda_error.h"
#include "common/device_memory.h"
#include "common/texture3d.h"
#include "renderfm/core/check.h"
#include "renderfm/pathtrace/cuda_params.h"

namespace renderfm::pathtrace {
namespace {

using ::renderfm::cuda::DeviceArray;
using ::renderfm::cuda::TexelKind;
using ::renderfm::cuda::Texture3d;

template <class T>
DeviceArray<T> uploaded(const T* values, std::int64_t count) {
  DeviceArray<T> array(values != nullptr ? static_cast<std::size_t>(count) : 0);
  if (values != nullptr) array.upload(values);
  return array;
}

std::int64_t padded(int size) { return size + 2 * kTablePad; }

struct Shape {
  int width, height, depth;
  std::int64_t count() const { return static_cast<std::int64_t>(width) * height * depth; }
  std::int64_t padded_count() const { return padded(width) * padded(height) * padded(depth); }
};

/// take(element) of each element within the border, x fastest.
template <class Out, class In, class Take>
std::vector<Out> without_border(const In* values, const Shape& shape, Take take) {
  std::vector<Out> inner;
  inner.reserve(static_cast<std::size_t>(shape.count()));
  for (int z = 0; z < shape.depth; ++z) {
    for (int y = 0; y < shape.height; ++y) {
      const In* const row =
          values + ((z + kTablePad) * padded(shape.height) + y + kTablePad) * padded(shape.width) + kTablePad;
      for (int x = 0; x < shape.width; ++x) inner.push_back(take(row[x]));
    }
  }
  return inner;
}

std::uint8_t same_byte(std::uint8_t value) { return value; }

class Texture {
 public:
  template <class T>
  void fill(TexelKind kind, const std::vector<T>& texels, const Shape& shape) {
    texture_.emplace(kind, texels.data(), static_cast<std::size_t>(shape.width),
                     static_cast<std::size_t>(shape.height), static_cast<std::size_t>(shape.depth));
  }
  std::uint64_t object() const { return texture_ ? texture_->object() : 0; }

 private:
  std::optional<Texture3d> texture_;
};

class CudaDevice : public SampleMaker {
 public:
  CudaDevice(const PathTracer& tracer, CudaField field) : field_(field), medium_(*tracer.medium()) {
    const MajorantGrid grid = tracer.params(Camera{}).grid;
    cells_ = uploaded(grid.cells, static_cast<std::int64_t>(grid.nx) * grid.ny * grid.nz);
    const std::int64_t entries = static_cast<std::int64_t>(medium_.classes) * kHuBins;
    sigma_t_ = uploaded(medium_.sigma_t_per_mm, entries);
    albedo_ = uploaded(medium_.albedo, entries);
    if (medium_.gradient_factor != nullptr) opacity_ = uploaded(medium_.opacity, entries);
    if (field_ == CudaField::kTexture) {
      fill_textures();
    } else {
      voxels_ = uploaded(medium_.voxels, shape().padded_count());
      split_before_ = uploaded(medium_.split_before, ((shape().padded_count() - 1) >> kBlockShift) + 1);
      classes_ = uploaded(medium_.cells, cells_per_voxel(medium_) * medium_.split_voxels);
      gradient_factor_ = uploaded(medium_.gradient_factor, shape().padded_count());
    }
    medium_.voxels = voxels_.data();
    medium_.split_before = split_before_.data();
    medium_.cells = classes_.data();
    medium_.gradient_factor = gradient_factor_.data();
    medium_.sigma_t_per_mm = sigma_t_.data();
    medium_.opacity = opacity_.data();
    medium_.albedo = albedo_.data();
    textures_.tables = medium_;
  }

  std::int64_t add(const SampleRange& range, std::vector<PixelSums<double>>& sums) override {
    try {
      if (sums_.size() != sums.size()) sums_ = DeviceArray<PixelSums<double>>(sums.size());
      sums_.upload(sums.data());
      std::uint64_t capped = 0;
      if (capped_.size() == 0) capped_ = DeviceArray<std::uint64_t>(1);
      capped_.upload(&capped);
      if (field_ == CudaField::kTexture) {
        trace(range, textures_);
      } else {
        trace(range, medium_);
      }
      sums_.download(sums.data());
      capped_.download(&capped);
      return static_cast<std::int64_t>(capped);
    } catch (const ::renderfm::cuda::CudaError& error) {
      fail_runtime("tracing paths on the GPU failed: {}", error.what());
    }
  }

 private:
  Shape shape() const { return {medium_.width, medium_.height, medium_.depth}; }
  Shape cell_shape() const {
    const int scale = medium_.class_scale;
    return {scale * medium_.width, scale * medium_.height, scale * medium_.depth};
  }

  // CellClasses::bits of every cell, x fastest.
  std::vector<std::uint16_t> cell_texels() const {
    const Shape cells = cell_shape();
    const int scale = medium_.class_scale;
    std::vector<std::uint16_t> texels;
    texels.reserve(static_cast<std::size_t>(cells.count()));
    for (int z = 0; z < cells.depth; ++z) {
      for (int y = 0; y < cells.height; ++y) {
        const std::int64_t row = ((z / scale + kTablePad) * padded(medium_.height) + y / scale + kTablePad) *
                                     padded(medium_.width) +
                                 kTablePad;
        for (int x = 0; x < cells.width; ++x) {
          const std::int64_t voxel = row + x / scale;
          const int cell = ((z % scale) * scale + y % scale) * scale + x % scale;
          texels.push_back(cell_classes(medium_, voxel, cell).bits());
        }
      }
    }
    return texels;
  }

  void fill_textures() {
    const Shape voxels = shape();
    hu_.fill(TexelKind::kUnorm16,
             without_border<std::uint16_t>(
                 medium_.voxels, voxels,
                 [](const VoxelRecord& v) { return static_cast<std::uint16_t>(v.hu - kTableMinHu); }),
             voxels);
    opacity_texture_.fill(
        TexelKind::kUnorm8,
        without_border<std::uint8_t>(medium_.voxels, voxels, [](const VoxelRecord& v) { return v.opacity; }),
        voxels);
    classes_texture_.fill(TexelKind::kWord, cell_texels(), cell_shape());
    if (medium_.gradient_factor != nullptr) {
      factor_texture_.fill(TexelKind::kByte,
                           without_border<std::uint8_t>(medium_.gradient_factor, voxels, same_byte), voxels);
    }
    textures_.hu = hu_.object();
    textures_.classes = classes_texture_.object();
    textures_.opacity = opacity_texture_.object();
    textures_.gradient_factor = factor_texture_.object();
  }

  template <class Pointers>
  void trace(const SampleRange& range, const Pointers& pointers) {
    cuda::TraceJob<Pointers> job{pointers,     range.params,   range.rays,
                                 sums_.data(), capped_.data(), static_cast<std::uint64_t>(range.first_sample),
                                 range.samples};
    job.trace.grid.cells = cells_.data();
    cuda::trace_samples(job, nullptr);
  }

  CudaField field_;
  MediumPointers medium_;  // of the host until the constructor ends, then of the device
  cuda::TextureMedium textures_{};
  DeviceArray<CellCode> cells_;
  DeviceArray<float> sigma_t_, opacity_;
  DeviceArray<Vec3f> albedo_;
  DeviceArray<VoxelRecord> voxels_;
  DeviceArray<std::uint32_t> split_before_;
  DeviceArray<CellClasses> classes_;
  DeviceArray<std::uint8_t> gradient_factor_;
  Texture hu_, classes_texture_, opacity_texture_, factor_texture_;
  DeviceArray<PixelSums<double>> sums_;
  DeviceArray<std::uint64_t> capped_;
};

}  // namespace

std::string why_no_cuda_device() { return ::renderfm::cuda::why_no_device(); }

std::unique_ptr<SampleMaker> make_cuda_device(const PathTracer& tracer, CudaField field) {
  if (const std::string reason = why_no_cuda_device(); !reason.empty()) {
    fail_runtime("cannot trace paths on a GPU: {}", reason);
  }
  if (tracer.medium() == nullptr) fail_runtime("a density grid is traced on the CPU alone");
  try {
    return std::make_unique<CudaDevice>(tracer, field);
  } catch (const ::renderfm::cuda::CudaError& error) {
    fail_runtime("copying the scan to the GPU failed: {}", error.what());
  }
}

}  // namespace renderfm::pathtrace
