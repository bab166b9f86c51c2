#include "renderfm/pathtrace/film.h"

#include <algorithm>
#include <cmath>

#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/math/srgb.h"

namespace renderfm::pathtrace {
namespace {

constexpr int kMaxSide = 65536;
constexpr std::int64_t kGrain = 4096;

float exposed(double linear, float exposure) {
  return static_cast<float>(std::clamp(linear * static_cast<double>(exposure), 0.0, 1.0));
}

}  // namespace

Film::Film(int width, int height) : width_(width), height_(height) {
  if (width < 1 || height < 1 || width > kMaxSide || height > kMaxSide) {
    fail_input("a picture of {} x {} pixels cannot be traced: each side needs 1 to {} pixels", width, height,
               kMaxSide);
  }
  pixels_.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
}

void Film::claim(std::uint64_t identity, int width, int height) {
  if (width != width_ || height != height_) {
    fail_input("the film has {} x {} pixels, its camera {} x {}", width_, height_, width, height);
  }
  if (samples_ > 0 && identity != identity_) {
    fail_input(
        "the film holds {} samples of another picture: its scan, transfer function, lights, camera or seed "
        "differ; start a new one",
        samples_);
  }
  identity_ = identity;
}

void Film::finish_pass(std::int64_t samples_more, std::int64_t capped_more) {
  samples_ += samples_more;
  capped_paths_ += capped_more;
}

PathTraceImages resolve(const Film& film) {
  RFM_CHECK(film.samples() > 0, "a film without samples has no picture");
  const std::size_t count = film.pixels().size();
  PathTraceImages images;
  images.width = film.width();
  images.height = film.height();
  for (auto* plane : {&images.rgb_linear, &images.variance, &images.albedo, &images.normal})
    plane->resize(3 * count);
  images.alpha.resize(count);
  images.depth_mm.resize(count);
  const auto n = static_cast<double>(film.samples());
  parallel_for(0, static_cast<std::int64_t>(count), kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (auto p = static_cast<std::size_t>(begin); p < static_cast<std::size_t>(end); ++p) {
      const PixelSums<double>& sums = film.pixels()[p];
      for (std::size_t c = 0; c < 3; ++c) {
        const std::size_t at = c * count + p;
        const double mean = sums.rgb[c] / n;
        images.rgb_linear[at] = static_cast<float>(mean);
        images.variance[at] =
            n < 2 ? 0 : static_cast<float>(std::max(0.0, sums.rgb_squared[c] / n - mean * mean) / (n - 1));
        images.albedo[at] = static_cast<float>(sums.albedo[c] / n);
        images.normal[at] = static_cast<float>(sums.normal[c] / n);
      }
      images.alpha[p] = static_cast<float>(sums.alpha / n);
      images.depth_mm[p] = sums.alpha > 0 ? static_cast<float>(sums.depth_mm / sums.alpha) : 0;
    }
  });
  return images;
}

std::vector<float> encode_srgb(const std::vector<float>& rgb_linear, float exposure) {
  std::vector<float> encoded(rgb_linear.size());
  parallel_for(0, static_cast<std::int64_t>(encoded.size()), kGrain,
               [&](std::int64_t begin, std::int64_t end) {
                 for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
                   encoded[i] = srgb_from_linear(exposed(static_cast<double>(rgb_linear[i]), exposure));
                 }
               });
  return encoded;
}

double noise_rmse(const Film& film, float exposure) {
  RFM_CHECK(film.samples() >= 2 && film.samples() % 2 == 0,
            "noise is measured from two halves of an even number of samples; the film holds {}",
            film.samples());
  const double half = static_cast<double>(film.samples()) / 2;
  const auto count = static_cast<std::int64_t>(film.pixels().size());
  std::vector<double> parts(static_cast<std::size_t>((count + kGrain - 1) / kGrain));
  parallel_for(0, count, kGrain, [&](std::int64_t begin, std::int64_t end) {
    double sum = 0;
    for (auto p = static_cast<std::size_t>(begin); p < static_cast<std::size_t>(end); ++p) {
      const PixelSums<double>& sums = film.pixels()[p];
      if (sums.alpha == 0) continue;
      for (int c = 0; c < 3; ++c) {
        const float a = srgb_from_linear(exposed(sums.rgb_even[c] / half, exposure));
        const float b = srgb_from_linear(exposed((sums.rgb[c] - sums.rgb_even[c]) / half, exposure));
        const double difference = static_cast<double>(a) - static_cast<double>(b);
        sum += difference * difference;
      }
    }
    parts[static_cast<std::size_t>(begin / kGrain)] = sum;
  });
  double sum = 0;
  for (const double part : parts) sum += part;
  return std::sqrt(sum / (4 * 3 * static_cast<double>(count)));
}

}  // namespace renderfm::pathtrace
