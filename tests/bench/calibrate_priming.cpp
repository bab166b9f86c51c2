// Fits what priming leaves open to pictures: one gain on the optical depth of every Gaussian, and one curve
// on their colours, for all scans and transfer functions alike. Prints the constants of gaussian/priming.h.
//   calibrate_priming DATA [STEPS]
// DATA is a data set of renderfm-prepare; only its training cases and their training views are looked at.
#include <torch/csrc/autograd/grad_mode.h>
#include <torch/optim/adam.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "renderfm/core/check.h"
#include "renderfm/gaussian/activate.h"
#include "renderfm/gaussian/layout.h"
#include "renderfm/gaussian/priming.h"
#include "renderfm/image/psnr.h"
#include "renderfm/math/polylog.h"
#include "renderfm/math/sh.h"
#include "renderfm/train/case_samples.h"
#include "renderfm/train/forward.h"
#include "renderfm/train/losses.h"

namespace {

using namespace renderfm;

constexpr std::int64_t kKnots = 5;

torch::Tensor with_gain(const torch::Tensor& logits, double gain) {
  torch::Tensor result = logits.clone();
  float* const values = result.mutable_data_ptr<float>();
  for (std::int64_t n = 0; n < result.numel(); ++n) {
    const double alpha = 1 / (1 + std::exp(-static_cast<double>(values[n])));
    const double depth = dilogarithm(alpha) - kDilogarithmOfCut;
    values[n] =
        static_cast<float>(layout::logit(static_cast<float>(opacity_for_optical_depth(depth * gain))));
  }
  return result;
}

// Colour [..] in [0, 1] through the polygon over knots 0, 1/4, .. 1.
torch::Tensor through(const torch::Tensor& colour, const torch::Tensor& knots) {
  torch::Tensor sum = torch::zeros_like(colour);
  for (std::int64_t k = 0; k < kKnots; ++k) {
    const double at = static_cast<double>(k) / (kKnots - 1);
    sum = sum + (1 - (colour - at).abs() * (kKnots - 1)).clamp_min(0) * knots[k];
  }
  return sum;
}

struct Scene {
  train::TrainingSample sample;
  torch::Tensor logits, colour;  // uncalibrated
};

torch::Tensor drawn(const Scene& scene, const torch::Tensor& logits, const torch::Tensor& knots,
                    const std::vector<Camera>& cameras) {
  torch::Tensor raw = scene.sample.start.clone();
  raw.select(1, layout::kOpacityLogit).copy_(logits);
  const torch::Tensor dc = (through(scene.colour, knots) - 0.5) / kSh0;
  raw = torch::cat({dc, raw.narrow(1, 3, layout::kChannels - 3)}, 1);
  return train::draw(raw, scene.sample, cameras);
}

double mean_psnr(const std::vector<Scene>& scenes, double gain, const torch::Tensor& knots) {
  const torch::NoGradGuard no_gradients;
  double sum = 0;
  for (const Scene& scene : scenes) {
    const train::Pictures& views = scene.sample.train;
    const torch::Tensor rgb = drawn(scene, with_gain(scene.logits, gain), knots, views.cameras).clamp(0, 1);
    sum += psnr_db(rgb, views.rgb.to(torch::kFloat32) / 255).mean().item<double>();
  }
  return sum / static_cast<double>(scenes.size());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 2) fail_input("name the data set: calibrate_priming DATA [STEPS]");
    const int steps = argc > 2 ? std::atoi(argv[2]) : 200;
    train::TrainConfig config;
    config.plan.start = Start::kUncalibrated;
    config.finish();
    const train::TrainingData data = train::open_data_set(argv[1], config);
    std::vector<Scene> scenes;
    for (std::int64_t n = 0; n < data.train.size(); ++n) {
      Scene scene{data.train.load(n), {}, {}};
      scene.sample.input = torch::Tensor();
      scene.logits = scene.sample.start.select(1, layout::kOpacityLogit).contiguous();
      scene.colour = scene.sample.start.narrow(1, layout::kSh, 3) * kSh0 + 0.5;
      scenes.push_back(std::move(scene));
    }
    const torch::Tensor identity = torch::linspace(0, 1, kKnots);
    std::printf("%zu training cases; uncalibrated: %.3f dB; as in priming.h: ", scenes.size(),
                mean_psnr(scenes, 1, identity));
    std::printf(
        "%.3f dB\n",
        mean_psnr(scenes, kPrimedDepthGain,
                  torch::tensor(std::vector<double>(kPrimedColourCurve.begin(), kPrimedColourCurve.end()),
                                torch::kFloat32)));
    for (const double gain : {0.25, 0.35, 0.5, 0.7, 1.0, 1.4}) {
      torch::Tensor knots = identity.clone().requires_grad_(true);
      torch::optim::Adam adam({knots}, torch::optim::AdamOptions(0.01));
      std::vector<torch::Tensor> logits;
      for (const Scene& scene : scenes) logits.push_back(with_gain(scene.logits, gain));
      for (int step = 0; step < steps; ++step) {
        for (auto& group : adam.param_groups()) group.options().set_lr(0.02 * (1 - 1.0 * step / steps));
        const std::size_t n = (static_cast<std::size_t>(step) * 7) % scenes.size();
        const train::Pictures& views = scenes[n].sample.train;
        const std::int64_t v = step % static_cast<std::int64_t>(views.cameras.size());
        const torch::Tensor rgb =
            drawn(scenes[n], logits[n], knots, {views.cameras[static_cast<std::size_t>(v)]});
        const torch::Tensor target = views.rgb.narrow(0, v, 1).to(torch::kFloat32) / 255;
        adam.zero_grad();
        train::image_loss(rgb, target, config.loss).total.backward();
        adam.step();
      }
      std::printf("gain %.2f curve", gain);
      for (std::int64_t k = 0; k < kKnots; ++k) std::printf(" %.3f", knots[k].item<double>());
      std::printf(": %.3f dB\n", mean_psnr(scenes, gain, knots.detach()));
      std::fflush(stdout);
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
