#include "renderfm/data/path_traced_views.h"

#include <torch/types.h>

#include "renderfm/core/check.h"
#include "renderfm/core/log.h"
#include "renderfm/image/denoise.h"
#include "renderfm/pathtrace/cuda_device.h"
#include "renderfm/pathtrace/path_tracer.h"

namespace renderfm::data {
namespace {

torch::Tensor as_tensor(std::vector<float>& plane, const pathtrace::PathTraceImages& images) {
  return torch::from_blob(plane.data(), {3, images.height, images.width}, torch::kFloat32);
}

class PathTracedViews : public ViewRenderer {
 public:
  PathTracedViews(const Medium& medium, const pathtrace::PathTraceOptions& options, float exposure, bool cuda)
      : tracer_(medium, options), exposure_(exposure) {
    if (cuda) tracer_.run_on(pathtrace::make_cuda_device(tracer_));
  }

  ViewImages render(const Camera& camera, int samples, bool denoise) const override {
    pathtrace::Film film(camera.width, camera.height);
    tracer_.add_samples(camera, film, samples);
    pathtrace::PathTraceImages images = pathtrace::resolve(film);
    if (denoise) {
      const torch::Tensor clean =
          renderfm::denoise(as_tensor(images.rgb_linear, images),
                            {as_tensor(images.albedo, images), as_tensor(images.normal, images)})
              .contiguous();
      images.rgb_linear.assign(clean.data_ptr<float>(), clean.data_ptr<float>() + clean.numel());
    }
    return {pathtrace::encode_srgb(images.rgb_linear, exposure_), std::move(images.alpha),
            std::move(images.depth_mm)};
  }

 private:
  pathtrace::PathTracer tracer_;
  float exposure_;
};

std::string choose_denoiser(const std::string& wish) {
  if (wish == "off") return "none";
  const DenoiserStatus status = denoiser_status();
  if (status.available) return "oidn " + status.version;
  if (wish == "on") fail_input("the views cannot be denoised: {}", status.reason);
  log_warning("training views are not denoised: {}", status.reason);
  return "none";
}

std::string choose_device(const std::string& wish) {
  if (wish == "cpu") return wish;
  if (wish != "cuda" && wish != "auto")
    fail_input("the device '{}' is unknown; give auto, cpu or cuda", wish);
  const std::string reason = pathtrace::why_no_cuda_device();
  if (reason.empty()) return "cuda";
  if (wish == "cuda") fail_input("no GPU can trace paths: {}", reason);
  return "cpu";
}

}  // namespace

Renderer path_traced_views(const PrepareConfig& config, const std::string& device) {
  pathtrace::PathTraceOptions options;
  options.rig = pathtrace::light_rig(config.light);
  const auto exposure = static_cast<float>(config.exposure);
  Renderer renderer;
  const bool trains = config.views.count.train > 0 ||
                      std::any_of(config.scans.begin(), config.scans.end(), [](const ScanEntry& entry) {
                        return entry.views && entry.views->train > 0;
                      });
  renderer.denoiser = trains ? choose_denoiser(config.views.denoise) : "none";
  renderer.device = choose_device(device);
  renderer.make = [options, exposure, cuda = renderer.device == "cuda"](const Medium& medium,
                                                                        std::uint64_t seed) {
    pathtrace::PathTraceOptions seeded = options;
    seeded.seed = seed;
    return std::make_unique<PathTracedViews>(medium, seeded, exposure, cuda);
  };
  return renderer;
}

}  // namespace renderfm::data
