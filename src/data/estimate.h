// How long and how large, before it starts.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "renderfm/data/case.h"
#include "renderfm/data/prepare_config.h"
#include "renderfm/data/view_renderer.h"

namespace renderfm::data {

struct Estimate {
  double seconds_per_train_view = 0, seconds_per_test_view = 0;
  double view_bytes = 0;
};

/// Seconds since some moment.
using Clock = std::function<double()>;
double steady_s();

/// Draws the first view with few samples, twice, and extrapolates; what denoising takes is in both kinds of
/// view.
Estimate measure_pilot(const CaseInfo& info, const ViewRenderer& renderer, const ViewWish& wish, bool denoise,
                       const Clock& now_s = steady_s);

/// "45 s", "12 min", "3.4 h", "2.1 days".
std::string duration_text(double seconds);
/// "830 kB", "1.2 GB".
std::string size_text(double bytes);

}  // namespace renderfm::data
