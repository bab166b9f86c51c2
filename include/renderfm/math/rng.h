// Random numbers that a seed and a position fix: the same on every thread, device and run.
#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "renderfm/math/hd.h"

namespace renderfm {

/// Bijective mixing of 64 bits (the finaliser of SplitMix64, Steele et al. 2014).
RFM_HD std::uint64_t mix64(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

/// The SplitMix64 sequence: its first value from state `x`.
RFM_HD std::uint64_t splitmix64(std::uint64_t x) { return mix64(x + 0x9E3779B97F4A7C15ull); }

/// One well-mixed number for up to four coordinates, such as (seed, pixel, sample).
RFM_HD std::uint64_t hash64(std::uint64_t a, std::uint64_t b, std::uint64_t c = 0, std::uint64_t d = 0) {
  return splitmix64(splitmix64(splitmix64(splitmix64(a) ^ b) ^ c) ^ d);
}

/// Uniform in [0, 1): the upper bits as a mantissa, so that 1 is never reached by rounding.
template <class T>
RFM_HD T unit_from_bits(std::uint64_t bits) {
  if constexpr (std::is_same<T, double>::value) {
    return static_cast<double>(bits >> 11) * (1.0 / 9007199254740992.0);  // 2^-53
  } else {
    return static_cast<T>(static_cast<float>(bits >> 40) * (1.0f / 16777216.0f));  // 2^-24
  }
}

/// Nearly normal, mean 0, variance 1, within +-3.5: the sum of four 16-bit uniforms. For noise per voxel.
RFM_HD float hash_normal(std::uint64_t bits) {
  const std::uint32_t sum =
      static_cast<std::uint32_t>(bits & 0xFFFF) + static_cast<std::uint32_t>((bits >> 16) & 0xFFFF) +
      static_cast<std::uint32_t>((bits >> 32) & 0xFFFF) + static_cast<std::uint32_t>((bits >> 48) & 0xFFFF);
  // Each uniform has mean 32767.5 and variance (65536^2 - 1) / 12; four of them have sd 65536 / sqrt(3).
  return (static_cast<float>(sum) - 131070.0f) * (1.7320508f / 65536.0f);
}

/// PCG32 (O'Neill 2014, XSH RR 64/32): 16 bytes, 2^63 streams of period 2^64.
class Pcg32 {
 public:
  RFM_HD Pcg32(std::uint64_t seed, std::uint64_t stream) : state_(0), increment_((stream << 1) | 1u) {
    next();
    state_ += seed;
    next();
  }
  /// The generator of (seed, a, b), for example of a seed, a pixel and a sample.
  RFM_HD static Pcg32 from(std::uint64_t seed, std::uint64_t a, std::uint64_t b = 0) {
    const std::uint64_t h = hash64(seed, a, b);
    return Pcg32(h, mix64(h ^ 0xD1B54A32D192ED03ull));
  }

  /// Uniform over all 32-bit numbers.
  RFM_HD std::uint32_t next() {
    const std::uint64_t old = state_;
    state_ = old * 6364136223846793005ull + increment_;
    const std::uint32_t xorshifted = static_cast<std::uint32_t>(((old >> 18) ^ old) >> 27);
    const std::uint32_t rotation = static_cast<std::uint32_t>(old >> 59);
    return (xorshifted >> rotation) | (xorshifted << ((32u - rotation) & 31u));
  }
  /// Uniform in [0, 1): float takes one draw, double two.
  template <class T>
  RFM_HD T uniform() {
    std::uint64_t bits = static_cast<std::uint64_t>(next()) << 32;
    if constexpr (std::is_same<T, double>::value) bits |= next();
    return unit_from_bits<T>(bits);
  }
  template <class T>
  RFM_HD T uniform(T low, T high) {
    return low + (high - low) * uniform<T>();
  }
  /// Uniform in [0, bound), bound > 0. Biased by less than bound / 2^32.
  RFM_HD std::uint32_t below(std::uint32_t bound) {
    return static_cast<std::uint32_t>((static_cast<std::uint64_t>(next()) * bound) >> 32);
  }
  /// Normal with mean 0 and variance 1 (Box-Muller).
  template <class T>
  RFM_HD T normal() {
    using std::cos;
    using std::log;
    using std::sqrt;
    const T radius = sqrt(T(-2) * log(T(1) - uniform<T>()));  // 1 - u is never 0
    return radius * cos(T(6.283185307179586) * uniform<T>());
  }

 private:
  std::uint64_t state_, increment_;
};

}  // namespace renderfm
