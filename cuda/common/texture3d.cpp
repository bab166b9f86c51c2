#include "common/texture3d.h"

#include <string>

#include "common/check.cuh"

namespace renderfm::cuda {

static_assert(sizeof(cudaTextureObject_t) == sizeof(std::uint64_t));

Texture3d::Texture3d(TexelKind kind, const void* texels, std::size_t width, std::size_t height,
                     std::size_t depth) {
  const std::string what = "making a texture of " + std::to_string(width) + " x " + std::to_string(height) +
                           " x " + std::to_string(depth) + " texels";
  const int bits = kind == TexelKind::kUnorm16 || kind == TexelKind::kWord ? 16 : 8;
  const bool filtered = kind == TexelKind::kUnorm16 || kind == TexelKind::kUnorm8;
  const cudaChannelFormatDesc format = cudaCreateChannelDesc(bits, 0, 0, 0, cudaChannelFormatKindUnsigned);
  cudaArray_t array = nullptr;
  check(cudaMalloc3DArray(&array, &format, make_cudaExtent(width, height, depth)), what);
  array_ = array;
  try {
    cudaMemcpy3DParms copy{};
    copy.srcPtr = make_cudaPitchedPtr(const_cast<void*>(texels), width * static_cast<std::size_t>(bits / 8),
                                      width, height);
    copy.dstArray = array;
    copy.extent = make_cudaExtent(width, height, depth);
    copy.kind = cudaMemcpyHostToDevice;
    check(cudaMemcpy3D(&copy), what);
    cudaResourceDesc resource{};
    resource.resType = cudaResourceTypeArray;
    resource.res.array.array = array;
    cudaTextureDesc texture{};
    for (cudaTextureAddressMode& mode : texture.addressMode) mode = cudaAddressModeClamp;
    texture.filterMode = filtered ? cudaFilterModeLinear : cudaFilterModePoint;
    texture.readMode = filtered ? cudaReadModeNormalizedFloat : cudaReadModeElementType;
    cudaTextureObject_t object = 0;
    check(cudaCreateTextureObject(&object, &resource, &texture, nullptr), what);
    object_ = object;
  } catch (...) {
    cudaFreeArray(array);
    throw;
  }
}

Texture3d::~Texture3d() {
  if (object_ != 0) cudaDestroyTextureObject(object_);
  if (array_ != nullptr) cudaFreeArray(static_cast<cudaArray_t>(array_));
}

}  // namespace renderfm::cuda
