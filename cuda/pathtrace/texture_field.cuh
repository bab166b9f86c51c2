// What the tracer asks of a labelled CT, answered by the texture unit: one fetch where ordinary memory takes
// eight. The same questions and the same corner picks as SoftwareMediumField.
#pragma once

#include "renderfm/pathtrace/cuda_params.h"

namespace renderfm::pathtrace::cuda {

class TextureMediumField {
 public:
  using Material = SoftwareMediumField::Material;

  __device__ __forceinline__ explicit TextureMediumField(const TextureMedium& medium) : m_(medium) {}

  __device__ __forceinline__ Vec3f size_voxels() const {
    return {static_cast<float>(m_.tables.width), static_cast<float>(m_.tables.height),
            static_cast<float>(m_.tables.depth)};
  }
  __device__ __forceinline__ Vec3f voxels_per_mm() const { return m_.tables.voxels_per_mm; }
  __device__ __forceinline__ float phase_g() const { return m_.tables.phase_g; }

  __device__ __forceinline__ float extinction(Vec3f point, std::uint32_t bits, Material& material) const {
    const float scale = static_cast<float>(m_.tables.class_scale);
    const float x = picked_texel(point.x * scale, bits), y = picked_texel(point.y * scale, bits >> kPickY),
                z = picked_texel(point.z * scale, bits >> kPickZ);
    const int material_class =
        CellClasses::from_bits(tex3D<unsigned short>(m_.classes, x, y, z)).picked(bits >> kPickClass);
    if (material_class == 0) return 0;
    // The texel's bits over 65535: the bin of the nearest HU.
    const float bin = tex3D<float>(m_.hu, point.x, point.y, point.z) * 65535.0F;
    material.entry = material_class * kHuBins + static_cast<int>(bin + 0.5F);
    if (m_.gradient_factor == 0) return m_.tables.sigma_t_per_mm[material.entry];
    const unsigned char factor = tex3D<unsigned char>(m_.gradient_factor, x / scale, y / scale, z / scale);
    return factor == 255
               ? m_.tables.sigma_t_per_mm[material.entry]
               : dimmed_extinction(m_.tables.opacity[material.entry], factor, m_.tables.opacity_length_mm);
  }

  __device__ __forceinline__ Vec3f albedo(const Material& material) const {
    return m_.tables.albedo[material.entry];
  }

  /// Differences over one voxel to either side: nearer ones would show the 8-bit weights as terraces.
  __device__ __forceinline__ Vec3f opacity_gradient_per_mm(Vec3f p) const {
    const Vec3f difference{opacity(p.x + 1, p.y, p.z) - opacity(p.x - 1, p.y, p.z),
                           opacity(p.x, p.y + 1, p.z) - opacity(p.x, p.y - 1, p.z),
                           opacity(p.x, p.y, p.z + 1) - opacity(p.x, p.y, p.z - 1)};
    return difference * m_.tables.voxels_per_mm * 0.5F;
  }

 private:
  /// The middle of one of the two texels around a coordinate, picked by its trilinear weight.
  __device__ __forceinline__ static float picked_texel(float at, std::uint32_t nine_bits) {
    const float lower = floorf(at - 0.5F);
    return lower + static_cast<float>(pick_upper(nine_bits, at - 0.5F - lower)) + 0.5F;
  }
  __device__ __forceinline__ float opacity(float x, float y, float z) const {
    return tex3D<float>(m_.opacity, x, y, z);
  }

  const TextureMedium& m_;
};

}  // namespace renderfm::pathtrace::cuda
