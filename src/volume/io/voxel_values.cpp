#include "voxel_values.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "renderfm/core/parallel.h"
#include "renderfm/volume/volume.h"

namespace renderfm {
namespace {

constexpr int kLowest = std::numeric_limits<std::int16_t>::min();
constexpr int kHighest = std::numeric_limits<std::int16_t>::max();
constexpr int kPaddingHu = -1500;       // far below air: -2000, -2048 and -3024 are in use
constexpr double kPaddingShare = 1e-3;  // fewer such voxels are noise or ringing
constexpr int kAirHu = -500;
constexpr int kMissingIntercept = -1024;
constexpr int kMinContrastHu = 50;  // no scan of a body is flatter

struct Histogram {
  std::vector<std::int64_t> counts = std::vector<std::int64_t>(kHighest - kLowest + 1, 0);
  std::int64_t not_finite = 0;
  int minimum = kHighest, maximum = kLowest;

  std::int64_t between(int low, int high) const {
    std::int64_t sum = 0;
    for (int value = std::max(low, kLowest); value <= std::min(high, kHighest); ++value) {
      sum += counts[static_cast<std::size_t>(value - kLowest)];
    }
    return sum;
  }
};

// Rounds slope * stored + intercept to int16, and counts what it meets.
template <class T>
Histogram convert(const T* stored, const RawImage& image, std::vector<std::int16_t>& hu) {
  const std::int64_t count = image.voxel_count();
  const std::int64_t grain = std::max<std::int64_t>(1 << 18, (count + 31) / 32);
  std::vector<Histogram> parts(static_cast<std::size_t>((count + grain - 1) / grain));
  // Whole-number slopes are exact in float for 16-bit values; anything else takes double.
  const double slope = image.slope, intercept = image.intercept;
  const bool plain = slope == 1 && intercept == std::nearbyint(intercept) && std::abs(intercept) < 1e6;
  const auto whole_intercept = plain ? static_cast<std::int64_t>(intercept) : 0;
  parallel_for(0, count, grain, [&](std::int64_t first, std::int64_t last) {
    Histogram& part = parts[static_cast<std::size_t>(first / grain)];
    for (std::int64_t i = first; i < last; ++i) {
      int value = 0;
      if constexpr (std::is_integral_v<T> && sizeof(T) <= 4) {
        if (plain) {
          value = static_cast<int>(std::clamp<std::int64_t>(
              static_cast<std::int64_t>(stored[i]) + whole_intercept, kLowest, kHighest));
          hu[static_cast<std::size_t>(i)] = static_cast<std::int16_t>(value);
          ++part.counts[static_cast<std::size_t>(value - kLowest)];
          continue;
        }
      }
      const double scaled = slope * static_cast<double>(stored[i]) + intercept;
      if (!std::isfinite(scaled)) {
        ++part.not_finite;
        continue;
      }
      value = static_cast<int>(std::lrint(std::clamp<double>(scaled, kLowest, kHighest)));
      hu[static_cast<std::size_t>(i)] = static_cast<std::int16_t>(value);
      ++part.counts[static_cast<std::size_t>(value - kLowest)];
    }
  });
  Histogram total;
  for (const Histogram& part : parts) {
    total.not_finite += part.not_finite;
    for (std::size_t i = 0; i < total.counts.size(); ++i) total.counts[i] += part.counts[i];
  }
  for (int value = kLowest; value <= kHighest; ++value) {
    if (total.counts[static_cast<std::size_t>(value - kLowest)] == 0) continue;
    total.minimum = std::min(total.minimum, value);
    total.maximum = std::max(total.maximum, value);
  }
  return total;
}

// Of the voxels on the six faces: what surrounds the patient.
int border_median(const std::vector<std::int16_t>& values, const std::array<std::int64_t, 3>& shape) {
  const auto [depth, height, width] = shape;
  std::vector<std::int16_t> border;
  for (std::int64_t k = 0; k < depth; ++k) {
    for (std::int64_t j = 0; j < height; ++j) {
      const bool whole_row = k == 0 || k == depth - 1 || j == 0 || j == height - 1;
      const std::int64_t row = (k * height + j) * width;
      for (std::int64_t i = 0; i < width; i += whole_row ? 1 : width - 1) {
        border.push_back(values[static_cast<std::size_t>(row + i)]);
      }
    }
  }
  const auto middle = border.begin() + static_cast<std::ptrdiff_t>(border.size() / 2);
  std::nth_element(border.begin(), middle, border.end());
  return *middle;
}

void shift(std::vector<std::int16_t>& values, int by) {
  for (std::int16_t& value : values)
    value = static_cast<std::int16_t>(std::clamp(value + by, kLowest, kHighest));
}

}  // namespace

std::vector<std::int16_t> hounsfield_values(const RawImage& image, bool must_be_ct, ScanReport& report) {
  const std::int64_t count = image.voxel_count();
  std::vector<std::int16_t> hu(static_cast<std::size_t>(count));
  const Histogram histogram =
      visit_voxels(image, [&](const auto* stored) { return convert(stored, image, hu); });
  if (histogram.not_finite > 0) {
    fail_input(
        "{} holds {} voxels that are not finite numbers; replace them (by -1024 where there is no tissue) "
        "and "
        "save it again",
        image.name, histogram.not_finite);
  }
  if (must_be_ct && histogram.minimum >= 0 && histogram.maximum > histogram.minimum &&
      border_median(hu, image.shape_zyx) <= 60) {
    // Air at 0: either the intercept was lost, and then soft tissue lies around 1024, or these are no HU.
    const bool tissue_at_1024 = histogram.between(900, 1250) * 50 > count;
    if (!tissue_at_1024) {
      fail_input(
          "{} does not hold Hounsfield units: its values run from {} to {} with 0 as background; give a CT "
          "in HU (air is -1000, water 0)",
          image.name, histogram.minimum, histogram.maximum);
    }
    shift(hu, kMissingIntercept);
    report.add_repair(
        "missing_intercept",
        fmt::format("{}: air is stored as 0 and soft tissue as about 1024, so 1024 was subtracted to "
                    "get Hounsfield units",
                    image.name));
  } else {
    if (histogram.maximum <= kAirHu) {
      fail_input(
          "{} holds nothing but air: no voxel is above {} HU (its maximum is {}); give a scan with a patient "
          "in it",
          image.name, kAirHu, histogram.maximum);
    }
    if (must_be_ct && histogram.maximum - histogram.minimum < kMinContrastHu) {
      fail_input(
          "{} does not hold Hounsfield units: its values run only from {} to {}; give a CT in HU (air is "
          "-1000, water 0)",
          image.name, histogram.minimum, histogram.maximum);
    }
    const std::int64_t padding = histogram.between(kLowest, kPaddingHu);
    if (static_cast<double>(padding) > kPaddingShare * static_cast<double>(count)) {
      report.add_repair(
          "padding",
          fmt::format("{}: {:.1f} % of the voxels hold padding below {} HU, outside the "
                      "field of view; they were set to air",
                      image.name, 100.0 * static_cast<double>(padding) / static_cast<double>(count),
                      kPaddingHu));
    }
  }
  report.add_fact("stored_range_hu", fmt::format("{} to {}", histogram.minimum, histogram.maximum));
  parallel_for(0, count, 1 << 20, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) {
      std::int16_t& value = hu[static_cast<std::size_t>(i)];
      value = std::clamp<std::int16_t>(value, kMinHu, kMaxHu);
    }
  });
  return hu;
}

std::vector<std::uint8_t> label_values(const RawImage& image) {
  const std::int64_t count = image.voxel_count();
  std::vector<std::uint8_t> labels(static_cast<std::size_t>(count));
  visit_voxels(image, [&](const auto* stored) {
    parallel_for(0, count, 1 << 18, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) {
        const double value = image.slope * static_cast<double>(stored[i]) + image.intercept;
        const double whole = std::nearbyint(value);
        if (!(value >= 0 && value <= 255) || std::abs(value - whole) > 1e-3) {
          fail_input(
              "{} is not a label map: it holds the value {:.6g}, and labels are whole numbers from 0 to 255",
              image.name, value);
        }
        labels[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(whole);
      }
    });
  });
  return labels;
}

}  // namespace renderfm
