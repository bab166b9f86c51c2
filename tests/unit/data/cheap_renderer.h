// Pictures that cost nothing and still depend on all that the path tracer's depend on.
#pragma once

#include <unistd.h>

#include <bit>
#include <memory>

#include "renderfm/data/view_renderer.h"
#include "renderfm/math/rng.h"

namespace renderfm::test {

class CheapViews : public data::ViewRenderer {
 public:
  CheapViews(const Medium& medium, std::uint64_t seed, int pause_us) : state_(seed), pause_us_(pause_us) {
    for (std::int64_t voxel = 0; voxel < medium.geometry().voxel_count(); ++voxel) {
      if (medium.foreground(voxel)) state_ = hash64(state_, static_cast<std::uint64_t>(voxel));
    }
  }
  data::ViewImages render(const Camera& camera, int samples, bool denoise) const override {
    ::usleep(static_cast<useconds_t>(pause_us_));
    const std::uint64_t view = hash64(state_, std::bit_cast<std::uint64_t>(camera.position_mm.x),
                                      static_cast<std::uint64_t>(samples), denoise ? 1 : 0);
    const std::size_t pixels = static_cast<std::size_t>(camera.width) * camera.height;
    data::ViewImages images;
    images.srgb.resize(3 * pixels);
    for (std::size_t n = 0; n < 3 * pixels; ++n) images.srgb[n] = unit_from_bits<float>(hash64(view, n));
    for (std::size_t n = 0; n < pixels; ++n) {  // half of the pixels see nothing
      const bool met = (hash64(view, n) & 1) != 0;
      images.alpha.push_back(met ? 1 - 0.5F * images.srgb[n] : 0);
      images.depth_mm.push_back(met ? 1000 + images.srgb[n] : 0);
    }
    return images;
  }

 private:
  std::uint64_t state_;
  int pause_us_;
};

inline data::Renderer cheap_renderer(int pause_us = 0, const std::string& denoiser = "none") {
  return {[pause_us](const Medium& medium, std::uint64_t seed) {
            return std::make_unique<CheapViews>(medium, seed, pause_us);
          },
          denoiser};
}

}  // namespace renderfm::test
