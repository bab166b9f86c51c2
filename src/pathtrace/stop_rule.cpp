#include <algorithm>
#include <cmath>

#include "renderfm/core/check.h"
#include "renderfm/pathtrace/path_tracer.h"

namespace renderfm::pathtrace {
namespace {

constexpr int kPilotSamples = 32;
// Between two words of progress, at most; films may be saved in between.
constexpr int kStepSamples = 64;
// The pilot's samples lie far behind those of any picture, so that they are independent of it.
constexpr std::int64_t kPilotFirstSample = std::int64_t{1} << 40;

}  // namespace

int planned_samples(const PathTracer& tracer, const Camera& camera, const StopRule& rule) {
  if (rule.max_samples < 2) fail_input("a picture needs at least 2 samples, not {}", rule.max_samples);
  if (!(rule.noise_rmse >= 0)) fail_input("a noise of {} cannot be reached", rule.noise_rmse);
  if (rule.noise_rmse == 0) return rule.max_samples;
  Film pilot(camera.width, camera.height);
  pilot.claim(tracer.identity(camera), camera.width, camera.height);
  pilot.finish_pass(kPilotFirstSample, 0);
  tracer.add_samples(camera, pilot, kPilotSamples);
  pilot.finish_pass(-kPilotFirstSample, 0);
  // Variance falls with the number of samples.
  const double ratio = noise_rmse(pilot, rule.exposure) / rule.noise_rmse;
  const double wanted = kPilotSamples * ratio * ratio;
  const int samples = static_cast<int>(std::min(std::ceil(wanted / 2) * 2, rule.max_samples / 2 * 2.0));
  return std::max(2, samples);
}

bool trace_until(const PathTracer& tracer, const Camera& camera, Film& film, const StopRule& rule,
                 const std::function<bool(int, int)>& progress) {
  const int wanted = planned_samples(tracer, camera, rule);
  while (film.samples() < wanted) {
    const int left = wanted - static_cast<int>(film.samples());
    tracer.add_samples(camera, film, std::min(kStepSamples, left));
    if (progress && !progress(static_cast<int>(film.samples()), wanted)) break;
  }
  return film.samples() >= wanted;
}

}  // namespace renderfm::pathtrace
