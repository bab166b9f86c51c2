#include "bench/raster_frame.h"

#include <benchmark/benchmark.h>
#include <torch/csrc/autograd/grad_mode.h>
#include <torch/types.h>

#include <cstdint>

#include "renderfm/raster/rasterize.h"

namespace renderfm::bench {

std::function<void()> frame(const Scene& scene, const std::vector<Camera>& cameras) {
  const test::PlainGaussians<float>& plain = scene.gaussians;
  const auto tensor = [&](const std::vector<float>& values) {
    return torch::tensor(values).reshape({plain.count(), -1});
  };
  GaussianSet set;
  set.position_mm = tensor(plain.position_mm);
  set.sh = tensor(plain.sh);
  set.opacity = tensor(plain.opacity).flatten();
  set.direction_mean = tensor(plain.direction_mean);
  set.chol = tensor(plain.chol);
  set.lambda_opacity = static_cast<double>(plain.lambda_opacity);
  set.low_pass_compensation = plain.low_pass_compensation;
  return [set, cameras] {
    const torch::NoGradGuard no_grad;
    raster::RasterOptions options;
    options.backend = raster::Backend::kCpu;
    const raster::RenderOutput output = raster::rasterize(set, cameras, options);
    benchmark::DoNotOptimize(output.rgb.const_data_ptr<float>());
  };
}

}  // namespace renderfm::bench
