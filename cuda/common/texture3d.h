// Volumes in texture memory. Plain C++, so that host code may include it; the tests' emulator has no
// textures.
#pragma once

#include <cstddef>
#include <cstdint>

namespace renderfm::cuda {

/// One channel a texel; coordinates are in texels, texel i covers [i, i + 1], and they are clamped at the
/// border. kUnorm16 and kUnorm8 are read as floats in [0, 1], filtered linearly with weights of 8 fractional
/// bits; kByte and kWord (8 and 16 bits) as the texel that a point lies in.
enum class TexelKind { kUnorm16, kUnorm8, kByte, kWord };

class Texture3d {
 public:
  /// `texels` [depth, height, width]. Throws CudaError.
  Texture3d(TexelKind kind, const void* texels, std::size_t width, std::size_t height, std::size_t depth);
  ~Texture3d();
  Texture3d(const Texture3d&) = delete;
  Texture3d& operator=(const Texture3d&) = delete;

  std::uint64_t object() const { return object_; }  ///< a cudaTextureObject_t

 private:
  void* array_ = nullptr;
  std::uint64_t object_ = 0;
};

}  // namespace renderfm::cuda
