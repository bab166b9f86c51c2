// How long and how large, before it starts.
#pragma once

#include <cstdint>
#include <string>

#include "data/case_maker.h"
#include "renderfm/data/view_renderer.h"

namespace renderfm::data {

struct Estimate {
  double seconds_per_train_view = 0, seconds_per_test_view = 0;
  double view_bytes = 0;
};

/// Draws the first view with few samples, twice, and extrapolates.
Estimate measure_pilot(const CaseStart& start, const ViewRenderer& renderer, const ViewWish& wish,
                       bool denoise);

/// "45 s", "12 min", "3.4 h", "2.1 days".
std::string duration_text(double seconds);
/// "830 kB", "1.2 GB".
std::string size_text(double bytes);

}  // namespace renderfm::data
