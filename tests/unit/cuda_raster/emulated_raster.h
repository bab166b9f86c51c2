// The CUDA backend under the emulator, as a host program would drive it; every array has a buffer of its own,
// so that no kernel reaches beside one unseen. And the CPU backend in the same terms.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "raster/cpu/kernels.h"
#include "renderfm/raster/cuda_params.h"
#include "support/plain_gaussians.h"

namespace renderfm::test {

/// Of all views, contiguous.
template <class S>
struct Images {
  std::vector<S> rgb, alpha, depth;  ///< [V, 3, H, W], [V, H, W], [V, H, W]
};

struct ImageSize {
  int width = 0, height = 0;
};

template <class S>
struct Gradients {
  PlainGaussians<S> gaussians;  ///< its five vectors
  std::vector<S> poses;         ///< [V, 12]
};

/// What a loss says of the images. An empty alpha or depth is none.
template <class S>
using ImageGradients = Images<S>;

struct DrawOptions {
  bool depth = true;
  bool gradients = false;
};

class EmulatedRaster {
 public:
  EmulatedRaster(const PlainGaussians<float>& gaussians, const std::vector<Camera>& cameras,
                 DrawOptions options = {});
  ~EmulatedRaster();

  const Images<float>& images() const;
  const raster::cuda::BatchTotals& totals() const;
  /// [V N]; where the rectangle is not empty.
  std::vector<raster::cuda::Splat> splats() const;
  std::vector<raster::cuda::CellRect> rects() const;
  /// [V T + 1] and [entries].
  std::vector<std::uint32_t> list_bounds() const;
  std::vector<std::uint32_t> list_pairs() const;

  Gradients<float> backward(const ImageGradients<float>& v_images, bool poses = true);

 private:
  struct Memory;
  std::unique_ptr<Memory> memory_;
};

/// What the CPU backend would draw, in storage order.
std::vector<raster::cpu::SplatRecord<float>> records_on_cpu(const PlainGaussians<float>& gaussians,
                                                            const Camera& camera);

template <class S>
Images<S> draw_on_cpu(const PlainGaussians<S>& gaussians, const std::vector<Camera>& cameras);
template <class S>
Gradients<S> backward_on_cpu(const PlainGaussians<S>& gaussians, const std::vector<Camera>& cameras,
                             const ImageGradients<S>& v_images);

}  // namespace renderfm::test
