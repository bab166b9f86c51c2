#include "renderfm/viewer/pack.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "renderfm/core/check.h"
#include "renderfm/gaussian/activate.h"
#include "renderfm/gaussian/layout.h"

namespace renderfm::viewer {
namespace {

constexpr int kPosition = 0, kSh = 3, kOpacity = 15, kDirection = 16, kA = 19, kB = 25, kC = 34, kLabel = 40;
constexpr double kMax8 = 255, kMax16 = 65535;
constexpr float kLeastOpacity = 1e-4F, kGreatestOpacity = 0.9999F;

// Row and column of the n-th entry of a lower triangle.
constexpr std::array<std::array<int, 2>, 6> kLower{{{0, 0}, {1, 0}, {1, 1}, {2, 0}, {2, 1}, {2, 2}}};

// A packed channel that is an entry of L: where it stands there, and whether its logarithm is packed.
struct FactorEntry {
  int index;
  bool diagonal;
};

FactorEntry factor_entry(int channel) {
  if (channel >= kB && channel < kC) return {layout::b_index((channel - kB) / 3, (channel - kB) % 3), false};
  const bool direction = channel < kB;
  const auto [row, column] = kLower[static_cast<std::size_t>(channel - (direction ? kA : kC))];
  return {direction ? layout::a_index(row, column) : layout::c_index(row, column), row == column};
}

std::vector<double> columns_of(const GaussianSet& set, Vec3d centre_mm, int channel) {
  const auto count = static_cast<std::size_t>(set.size());
  std::vector<double> values(count);
  const auto fill = [&](const torch::Tensor& tensor, int stride, int column, const auto& map) {
    const float* const from = tensor.const_data_ptr<float>();
    for (std::size_t n = 0; n < count; ++n) {
      values[n] = map(from[n * static_cast<std::size_t>(stride) + static_cast<std::size_t>(column)]);
    }
  };
  const auto same = [](float value) { return static_cast<double>(value); };
  const auto factor = [&](FactorEntry entry) {
    fill(set.chol, layout::kCholCount, entry.index, [&](float value) {
      return entry.diagonal ? std::log(std::max(static_cast<double>(value), 1e-12))
                            : static_cast<double>(value);
    });
  };
  if (channel < kSh) {
    fill(set.position_mm, 3, channel, [&](float v) { return static_cast<double>(v) - centre_mm[channel]; });
  } else if (channel < kOpacity) {
    fill(set.sh, layout::kShCount, channel - kSh, same);
  } else if (channel < kDirection) {
    fill(set.opacity, 1, 0, [](float opacity) {
      return static_cast<double>(layout::logit(std::clamp(opacity, kLeastOpacity, kGreatestOpacity)));
    });
  } else if (channel < kA) {
    fill(set.direction_mean, 3, channel - kDirection, same);
  } else if (channel < kLabel) {
    factor(factor_entry(channel));
  } else if (set.label.defined()) {
    const std::uint8_t* const label = set.label.const_data_ptr<std::uint8_t>();
    std::copy_n(label, count, values.begin());
  }
  return values;
}

double middle_of(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// The pitch of a lattice that all values lie on to `tolerance`, or 0. Steps are found from the differences
/// between neighbours, which on a lattice are multiples of the least of them.
double lattice_step(const std::vector<double>& values, double low, double high, double tolerance) {
  double step = std::numeric_limits<double>::max();
  for (std::size_t n = 1; n < values.size(); ++n) {
    const double difference = std::abs(values[n] - values[n - 1]);
    if (difference > tolerance) step = std::min(step, difference);
  }
  // A pitch near the tolerance would make a lattice of anything.
  if (step < 50 * tolerance || step > high - low) return 0;
  const double cells = std::round((high - low) / step);
  if (cells > kMax16) return 0;
  step = (high - low) / cells;
  for (const double value : values) {
    const double cell = (value - low) / step;
    if (std::abs(cell - std::round(cell)) * step > tolerance) return 0;
  }
  return step;
}

// The largest steps that a picture does not show, by kind of channel.
struct Tolerances {
  double direction, a_off_diagonal, shift_mm, shape_mm;
};

Tolerances tolerances_of(const GaussianSet& set, Vec3d centre_mm) {
  const double a = std::exp(middle_of(columns_of(set, centre_mm, kA)));
  const double c = std::exp(middle_of(columns_of(set, centre_mm, kC)));
  return {0.05 * std::min(a, 1.0), 0.05 * a, 0.05 * c, 0.05 * c};
}

double tolerance_of(int channel, const Tolerances& t) {
  if (channel < kOpacity) return 0.04;  // of a colour: 0.04 * 0.282 is 1 %, half of it the greatest error
  if (channel < kDirection) return 0.08;
  if (channel < kA) return t.direction;
  const auto diagonal = [](int entry) { return entry == 0 || entry == 2 || entry == 5; };
  if (channel < kB) return diagonal(channel - kA) ? 0.05 : t.a_off_diagonal;
  if (channel < kC) return t.shift_mm;
  return diagonal(channel - kC) ? 0.03 : t.shape_mm;
}

PackedChannel choose(int channel, const std::vector<double>& values, const Tolerances& tolerances) {
  const auto [least, greatest] = std::minmax_element(values.begin(), values.end());
  const double low = *least, range = *greatest - *least;
  if (channel == kLabel) return range > 0 || low > 0 ? PackedChannel{8, 0, 1} : PackedChannel{0, 0, 0};
  if (range <= 1e-9 * std::max(1.0, std::abs(low))) return {0, low, 0};
  if (channel < kSh) {
    const double step = lattice_step(values, low, *greatest, 2e-3);
    return {16, low, step > 0 ? step : range / kMax16};
  }
  if (range / kMax8 <= tolerance_of(channel, tolerances)) return {8, low, range / kMax8};
  return {16, low, range / kMax16};
}

/// Appends the plane or planes of a channel: each step less that of the Gaussian before.
void append_planes(const std::vector<double>& values, const PackedChannel& channel, std::string& bytes) {
  const std::size_t begin = bytes.size(), count = values.size();
  bytes.resize(begin + count * static_cast<std::size_t>(channel.bits / 8));
  std::uint32_t before = 0;
  for (std::size_t n = 0; n < count; ++n) {
    const auto q = static_cast<std::uint32_t>(std::lround((values[n] - channel.low) / channel.step));
    const std::uint32_t difference = q - before;
    before = q;
    bytes[begin + n] = static_cast<char>(difference & 0xff);
    if (channel.bits == 16) bytes[begin + count + n] = static_cast<char>((difference >> 8) & 0xff);
  }
}

std::string deflated(const std::string& bytes) {
  constexpr int kLevel = 6;
  uLongf size = compressBound(bytes.size());
  std::string out(size, '\0');
  RFM_CHECK(compress2(reinterpret_cast<Bytef*>(out.data()), &size,
                      reinterpret_cast<const Bytef*>(bytes.data()), bytes.size(), kLevel) == Z_OK,
            "zlib could not compress {} bytes", bytes.size());
  out.resize(size);
  return out;
}

}  // namespace

PackedGaussians pack(const GaussianSet& gaussians, Vec3d centre_mm) {
  if (gaussians.size() == 0) fail_input("there are no Gaussians to show");
  const GaussianSet set = gaussians.to(torch::kCPU);
  const Tolerances tolerances = tolerances_of(set, centre_mm);
  PackedGaussians packed;
  packed.count = set.size();
  std::string planes;
  for (int channel = 0; channel < kPackedChannels; ++channel) {
    const std::vector<double> values = columns_of(set, centre_mm, channel);
    packed.channels.push_back(choose(channel, values, tolerances));
    if (packed.channels.back().bits > 0) append_planes(values, packed.channels.back(), planes);
  }
  packed.bytes = deflated(planes);
  return packed;
}

GaussianSet unpack(const PackedGaussians& packed, const GaussianSet& like, Vec3d centre_mm) {
  const auto count = static_cast<std::size_t>(packed.count);
  std::size_t size = 0;
  for (const PackedChannel& channel : packed.channels)
    size += count * static_cast<std::size_t>(channel.bits / 8);
  std::string planes(size, '\0');
  uLongf got = size;
  RFM_CHECK(uncompress(reinterpret_cast<Bytef*>(planes.data()), &got,
                       reinterpret_cast<const Bytef*>(packed.bytes.data()), packed.bytes.size()) == Z_OK &&
                got == size,
            "packed Gaussians do not hold the {} bytes that their channels name", size);
  GaussianSet set = like;
  const std::int64_t n = packed.count;
  set.position_mm = torch::empty({n, 3});
  set.sh = torch::empty({n, layout::kShCount});
  set.opacity = torch::empty({n});
  set.direction_mean = torch::empty({n, 3});
  set.chol = torch::zeros({n, layout::kCholCount});
  set.label = torch::zeros({n}, torch::kUInt8);

  std::size_t at = 0;
  for (int channel = 0; channel < kPackedChannels; ++channel) {
    const PackedChannel& c = packed.channels[static_cast<std::size_t>(channel)];
    const auto* const low = reinterpret_cast<const std::uint8_t*>(planes.data()) + at;
    at += count * static_cast<std::size_t>(c.bits / 8);
    std::uint32_t q = 0;
    const auto put = [&](auto* to, std::size_t stride, const auto& map) {
      for (std::size_t row = 0; row < count; ++row) {
        if (c.bits > 0) q += low[row];
        if (c.bits == 16) q += static_cast<std::uint32_t>(low[count + row]) << 8;
        q &= c.bits == 16 ? 0xffffU : 0xffU;
        using To = std::remove_reference_t<decltype(*to)>;
        to[row * stride] = static_cast<To>(map(c.low + c.step * q));
      }
    };
    const auto same = [](double value) { return value; };
    const auto exponential = [](double value) { return std::exp(value); };
    const auto factor = [&](FactorEntry entry) {
      float* const to = set.chol.mutable_data_ptr<float>() + entry.index;
      entry.diagonal ? put(to, layout::kCholCount, exponential) : put(to, layout::kCholCount, same);
    };
    if (channel < kSh) {
      const double centre = centre_mm[channel];
      put(set.position_mm.mutable_data_ptr<float>() + channel, 3, [&](double v) { return v + centre; });
    } else if (channel < kOpacity) {
      put(set.sh.mutable_data_ptr<float>() + (channel - kSh), layout::kShCount, same);
    } else if (channel < kDirection) {
      put(set.opacity.mutable_data_ptr<float>(), 1, [](double v) { return 1 / (1 + std::exp(-v)); });
    } else if (channel < kA) {
      put(set.direction_mean.mutable_data_ptr<float>() + (channel - kDirection), 3, same);
    } else if (channel < kLabel) {
      factor(factor_entry(channel));
    } else {
      put(set.label.mutable_data_ptr<std::uint8_t>(), 1, same);
    }
  }
  return set;
}

std::string text_from_bytes(const std::string& bytes) {
  constexpr std::uint32_t kBase = 85;
  std::string text;
  text.reserve(bytes.size() / 4 * 5 + 5);
  for (std::size_t at = 0; at < bytes.size(); at += 4) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      group = group << 8 | (at + k < bytes.size() ? static_cast<std::uint8_t>(bytes[at + k]) : 0U);
    }
    char digits[5];
    for (int k = 4; k >= 0; --k) {
      const auto digit = static_cast<char>('#' + static_cast<char>(group % kBase));
      digits[k] = digit < '<' ? digit : static_cast<char>(digit + 1);
      group /= kBase;
    }
    text.append(digits, 5);
  }
  return text;
}

}  // namespace renderfm::viewer
