#include "data/estimate.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>

#include "data/picture.h"

namespace renderfm::data {
namespace {

constexpr int kFewSamples = 2, kMoreSamples = 8;

}  // namespace

double steady_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Estimate measure_pilot(const CaseInfo& info, const ViewRenderer& renderer, const ViewWish& wish, bool denoise,
                       const Clock& now_s) {
  const View& view = info.train_views.empty() ? info.test_views.front() : info.train_views.front();
  ViewImages images;
  const auto seconds = [&](int samples) {
    const double begin_s = now_s();
    images = renderer.render(view.camera, samples, denoise);
    return now_s() - begin_s;
  };
  const double few_s = seconds(kFewSamples), more_s = seconds(kMoreSamples);
  const double per_sample_s = std::max(0.0, more_s - few_s) / (kMoreSamples - kFewSamples);
  const double fixed_s = std::max(0.0, few_s - kFewSamples * per_sample_s);
  Estimate estimate;
  estimate.seconds_per_train_view = fixed_s + wish.samples * per_sample_s;
  estimate.seconds_per_test_view = fixed_s + wish.test_samples * per_sample_s;
  estimate.view_bytes = view_bytes(images, view);
  return estimate;
}

std::string duration_text(double seconds) {
  if (seconds < 100) return fmt::format("{:.0f} s", seconds);
  if (seconds < 6000) return fmt::format("{:.0f} min", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{:.1f} h", seconds / 3600);
  return fmt::format("{:.1f} days", seconds / 86400);
}

std::string size_text(double bytes) {
  if (bytes < 1e6) return fmt::format("{:.0f} kB", bytes / 1e3);
  if (bytes < 1e9) return fmt::format("{:.0f} MB", bytes / 1e6);
  return fmt::format("{:.1f} GB", bytes / 1e9);
}

}  // namespace renderfm::data
