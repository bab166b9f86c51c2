#include <algorithm>
#include <cstdint>
#include <vector>

#include "image/ssim_parts.h"
#include "renderfm/core/parallel.h"

namespace renderfm::ssim_parts {
namespace {

constexpr std::int64_t kBandRows = 32;  // a band's rows and margins stay in the second-level cache

// The planes of [V, C, H, W], cut into bands of rows: one piece of work each.
struct Bands {
  std::int64_t planes, height, width, per_plane;

  explicit Bands(const torch::Tensor& image)
      : planes(image.size(0) * image.size(1)),
        height(image.size(2)),
        width(image.size(3)),
        per_plane((height + kBandRows - 1) / kBandRows) {}

  std::int64_t count() const { return planes * per_plane; }
};

// Blurs kMaps images at once over the rows of one band: rows are blurred along x into a buffer with
// kRadius more rows on either side, which is then blurred along y. What lies outside the image is zero.
template <class S, int kMaps>
class BandBlur {
 public:
  BandBlur(std::int64_t height, std::int64_t width)
      : height_(height),
        width_(width),
        padded_(static_cast<std::size_t>(kMaps * (width + 2 * kRadius)), S(0)),
        rows_(static_cast<std::size_t>(kMaps * (kBandRows + 2 * kRadius) * width)),
        out_(static_cast<std::size_t>(kMaps * width)) {}

  /// Where fill_row of rows() writes map `map` of the current row.
  S* source(int map) { return padded_.data() + map * (width_ + 2 * kRadius) + kRadius; }

  /// fill(y) writes row y of every map into source(map).
  template <class Fill>
  void rows(std::int64_t begin, std::int64_t end, const Fill& fill) {
    begin_ = begin;
    for (std::int64_t y = begin - kRadius; y < end + kRadius; ++y) {
      if (y < 0 || y >= height_) {
        for (int map = 0; map < kMaps; ++map) std::fill_n(row(map, y), width_, S(0));
        continue;
      }
      fill(y);
      for (int map = 0; map < kMaps; ++map) blur_x(source(map), row(map, y));
    }
  }

  /// The blurred row y of `map`, valid until the next call for this map.
  const S* blurred(int map, std::int64_t y) {
    S* const __restrict out = out_.data() + map * width_;
    const S* const centre = row(map, y);
    for (std::int64_t x = 0; x < width_; ++x) out[x] = weight_[0] * centre[x];
    for (int k = 1; k <= kRadius; ++k) {
      const S* const above = centre - k * width_;
      const S* const below = centre + k * width_;
      const S weight = weight_[static_cast<std::size_t>(k)];
      for (std::int64_t x = 0; x < width_; ++x) out[x] += weight * (above[x] + below[x]);
    }
    return out;
  }

 private:
  S* row(int map, std::int64_t y) {
    return rows_.data() + (map * (kBandRows + 2 * kRadius) + (y - begin_ + kRadius)) * width_;
  }

  void blur_x(const S* in, S* __restrict out) const {
    for (std::int64_t x = 0; x < width_; ++x) {
      out[x] = weight_[0] * in[x] + weight_[1] * (in[x - 1] + in[x + 1]) +
               weight_[2] * (in[x - 2] + in[x + 2]) + weight_[3] * (in[x - 3] + in[x + 3]) +
               weight_[4] * (in[x - 4] + in[x + 4]) + weight_[5] * (in[x - 5] + in[x + 5]);
    }
  }
  static_assert(kRadius == 5, "blur_x spells its taps out");

  std::int64_t height_, width_, begin_ = 0;
  std::array<S, kRadius + 1> weight_ = window<S>();
  std::vector<S> padded_, rows_, out_;
};

template <class S>
Result forward(const torch::Tensor& image, const torch::Tensor& target, bool derivatives) {
  const Bands bands(image);
  const std::int64_t plane = bands.height * bands.width;
  const S* const x = image.const_data_ptr<S>();
  const S* const y = target.const_data_ptr<S>();
  const Constants<S> constants{S(1), static_cast<S>(kC1), static_cast<S>(kC2)};
  Result result;
  S* v[3] = {};
  if (derivatives) {
    std::vector<std::int64_t> shape = image.sizes().vec();
    shape.insert(shape.begin(), 3);
    result.derivatives = at::empty(shape, image.options());
    for (int map = 0; map < 3; ++map) {
      v[map] = result.derivatives.mutable_data_ptr<S>() + map * bands.planes * plane;
    }
  }
  std::vector<double> sums(static_cast<std::size_t>(bands.count()), 0.0);
  parallel_for(0, bands.count(), 1, [&](std::int64_t first, std::int64_t last) {
    BandBlur<S, 5> blur(bands.height, bands.width);
    std::vector<S> rows(static_cast<std::size_t>(4 * bands.width));
    for (std::int64_t band = first; band < last; ++band) {
      const std::int64_t offset = band / bands.per_plane * plane;
      const std::int64_t begin = band % bands.per_plane * kBandRows;
      const std::int64_t end = std::min(begin + kBandRows, bands.height);
      blur.rows(begin, end, [&](std::int64_t row) {
        const S* const from_x = x + offset + row * bands.width;
        const S* const from_y = y + offset + row * bands.width;
        S* const to[5] = {blur.source(0), blur.source(1), blur.source(2), blur.source(3), blur.source(4)};
        for (std::int64_t i = 0; i < bands.width; ++i) {
          to[0][i] = from_x[i];
          to[1][i] = from_y[i];
          to[2][i] = from_x[i] * from_x[i];
          to[3][i] = from_y[i] * from_y[i];
          to[4][i] = from_x[i] * from_y[i];
        }
      });
      double sum = 0;
      for (std::int64_t row = begin; row < end; ++row) {
        const S* const mean_x = blur.blurred(0, row);
        const S* const mean_y = blur.blurred(1, row);
        const S* const square_x = blur.blurred(2, row);
        const S* const square_y = blur.blurred(3, row);
        const S* const product = blur.blurred(4, row);
        S* const __restrict value = rows.data();
        const auto target_of = [&](int map) {
          return derivatives ? v[map] + offset + row * bands.width : rows.data() + (map + 1) * bands.width;
        };
        S* const __restrict v_mean = target_of(0);
        S* const __restrict v_square = target_of(1);
        S* const __restrict v_product = target_of(2);
        for (std::int64_t i = 0; i < bands.width; ++i) {
          const Similarity<S> s =
              similarity(mean_x[i], mean_y[i], square_x[i], square_y[i], product[i], constants);
          value[i] = s.value;
          v_mean[i] = s.v_mean;
          v_square[i] = s.v_square;
          v_product[i] = s.v_product;
        }
        for (std::int64_t i = 0; i < bands.width; ++i) sum += static_cast<double>(value[i]);
      }
      sums[static_cast<std::size_t>(band)] = sum;
    }
  });
  result.mean = at::empty({image.size(0)}, image.options());
  const std::int64_t per_image = bands.count() / image.size(0);
  for (std::int64_t n = 0; n < image.size(0); ++n) {
    double sum = 0;
    for (std::int64_t band = n * per_image; band < (n + 1) * per_image; ++band) {
      sum += sums[static_cast<std::size_t>(band)];
    }
    result.mean.mutable_data_ptr<S>()[n] = static_cast<S>(sum / static_cast<double>(image[0].numel()));
  }
  return result;
}

template <class S>
torch::Tensor backward(const torch::Tensor& image, const torch::Tensor& target,
                       const torch::Tensor& derivatives, const torch::Tensor& v_mean) {
  const Bands bands(image);
  const std::int64_t plane = bands.height * bands.width;
  const S* const x = image.const_data_ptr<S>();
  const S* const y = target.const_data_ptr<S>();
  const S* const v = derivatives.const_data_ptr<S>();
  torch::Tensor v_image = at::empty_like(image);
  S* const out = v_image.mutable_data_ptr<S>();
  const auto pixels = static_cast<S>(image[0].numel());
  parallel_for(0, bands.count(), 1, [&](std::int64_t first, std::int64_t last) {
    BandBlur<S, 3> blur(bands.height, bands.width);
    for (std::int64_t band = first; band < last; ++band) {
      const std::int64_t offset = band / bands.per_plane * plane;
      const std::int64_t begin = band % bands.per_plane * kBandRows;
      const std::int64_t end = std::min(begin + kBandRows, bands.height);
      const S scale = v_mean.const_data_ptr<S>()[band / bands.per_plane / image.size(1)] / pixels;
      // The window is symmetric, so its transpose is the window itself.
      blur.rows(begin, end, [&](std::int64_t row) {
        for (int map = 0; map < 3; ++map) {
          std::copy_n(v + map * bands.planes * plane + offset + row * bands.width, bands.width,
                      blur.source(map));
        }
      });
      for (std::int64_t row = begin; row < end; ++row) {
        const S* const of_mean = blur.blurred(0, row);
        const S* const of_square = blur.blurred(1, row);
        const S* const of_product = blur.blurred(2, row);
        const std::int64_t at = offset + row * bands.width;
        for (std::int64_t i = 0; i < bands.width; ++i) {
          out[at + i] = scale * (of_mean[i] + 2 * x[at + i] * of_square[i] + y[at + i] * of_product[i]);
        }
      }
    }
  });
  return v_image;
}

}  // namespace

Result forward_cpu(const torch::Tensor& image, const torch::Tensor& target, bool derivatives) {
  return image.scalar_type() == torch::kFloat64 ? forward<double>(image, target, derivatives)
                                                : forward<float>(image, target, derivatives);
}

torch::Tensor backward_cpu(const torch::Tensor& image, const torch::Tensor& target,
                           const torch::Tensor& derivatives, const torch::Tensor& v_mean) {
  return image.scalar_type() == torch::kFloat64 ? backward<double>(image, target, derivatives, v_mean)
                                                : backward<float>(image, target, derivatives, v_mean);
}

}  // namespace renderfm::ssim_parts
