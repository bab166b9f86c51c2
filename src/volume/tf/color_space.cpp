// HSV takes the shorter way round the hue circle. Lab is CIE 1976 with the D65 white. Diverging is
// K. Moreland, "Diverging Color Maps for Scientific Visualization" (2009): Lab in polar form (magnitude M,
// saturation s, hue h), passing through white between two saturated colours of different hue.
#include "volume/tf/color_space.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace renderfm::tf {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr Vec3d kWhiteXyz{0.9505, 1.0, 1.089};
// Linear sRGB to XYZ, IEC 61966-2-1.
constexpr Mat3d kXyzFromRgb{{{0.4124, 0.3576, 0.1805}, {0.2126, 0.7152, 0.0722}, {0.0193, 0.1192, 0.9505}}};

Vec3d lerp(Vec3d a, Vec3d b, double t) { return a * (1 - t) + b * t; }

double decode(double v) { return v > 0.04045 ? std::pow((v + 0.055) / 1.055, 2.4) : v / 12.92; }
double encode(double v) { return v > 0.0031308 ? 1.055 * std::pow(v, 1 / 2.4) - 0.055 : 12.92 * v; }

Vec3d lab_from_srgb(Vec3d srgb) {
  const Vec3d xyz = kXyzFromRgb * Vec3d{decode(srgb.x), decode(srgb.y), decode(srgb.z)};
  const auto f = [](double t) { return t > 0.008856 ? std::cbrt(t) : 7.787 * t + 16.0 / 116; };
  const double fx = f(xyz.x / kWhiteXyz.x), fy = f(xyz.y / kWhiteXyz.y), fz = f(xyz.z / kWhiteXyz.z);
  return {116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)};
}

Vec3d srgb_from_lab(Vec3d lab) {
  const auto inverse_f = [](double t) { return t * t * t > 0.008856 ? t * t * t : (t - 16.0 / 116) / 7.787; };
  const double fy = (lab.x + 16) / 116;
  const Vec3d xyz{kWhiteXyz.x * inverse_f(fy + lab.y / 500), kWhiteXyz.y * inverse_f(fy),
                  kWhiteXyz.z * inverse_f(fy - lab.z / 200)};
  const Vec3d rgb = inverse(kXyzFromRgb) * xyz;
  const Vec3d srgb{encode(rgb.x), encode(rgb.y), encode(rgb.z)};
  // Outside the gamut, as VTK does: darker rather than of another hue.
  const double high = std::max({srgb.x, srgb.y, srgb.z});
  return high > 1 ? srgb * (1 / high) : srgb;
}

Vec3d hsv_from_rgb(Vec3d rgb) {
  const double high = std::max({rgb.x, rgb.y, rgb.z}), range = high - std::min({rgb.x, rgb.y, rgb.z});
  if (range <= 0) return {0, 0, high};
  double hue = 0;  // in sixths of the circle
  if (high == rgb.x) {
    hue = (rgb.y - rgb.z) / range;
  } else if (high == rgb.y) {
    hue = 2 + (rgb.z - rgb.x) / range;
  } else {
    hue = 4 + (rgb.x - rgb.y) / range;
  }
  return {hue < 0 ? hue / 6 + 1 : hue / 6, range / high, high};
}

Vec3d rgb_from_hsv(Vec3d hsv) {
  const auto channel = [&](double offset) {
    const double k = std::fmod(offset + 6 * hsv.x, 6.0);
    return hsv.z * (1 - hsv.y * std::clamp(std::min(k, 4 - k), 0.0, 1.0));
  };
  return {channel(5), channel(3), channel(1)};
}

Vec3d interpolate_hsv(Vec3d first, Vec3d second, double t) {
  Vec3d a = hsv_from_rgb(first), b = hsv_from_rgb(second);
  if (b.x - a.x > 0.5) a.x += 1;
  if (a.x - b.x > 0.5) b.x += 1;
  Vec3d hsv = lerp(a, b, t);
  hsv.x -= std::floor(hsv.x);
  return rgb_from_hsv(hsv);
}

// Magnitude, saturation, hue.
Vec3d msh_from_lab(Vec3d lab) {
  const double magnitude = norm(lab);
  const double saturation = magnitude > 0.001 ? std::acos(std::clamp(lab.x / magnitude, -1.0, 1.0)) : 0;
  return {magnitude, saturation, saturation > 0.001 ? std::atan2(lab.z, lab.y) : 0};
}

Vec3d lab_from_msh(Vec3d msh) {
  return Vec3d{std::cos(msh.y), std::sin(msh.y) * std::cos(msh.z), std::sin(msh.y) * std::sin(msh.z)} * msh.x;
}

// The hue at which an unsaturated colour of magnitude `unsaturated_m` joins a saturated one smoothly.
double adjusted_hue(Vec3d saturated, double unsaturated_m) {
  if (saturated.x >= unsaturated_m - 0.1) return saturated.z;
  const double spin = saturated.y * std::sqrt(unsaturated_m * unsaturated_m - saturated.x * saturated.x) /
                      (saturated.x * std::sin(saturated.y));
  return saturated.z > -0.3 * kPi ? saturated.z + spin : saturated.z - spin;
}

Vec3d interpolate_diverging(Vec3d first, Vec3d second, double t) {
  constexpr double kSaturated = 0.05, kWhiteMagnitude = 88;
  Vec3d a = msh_from_lab(lab_from_srgb(first)), b = msh_from_lab(lab_from_srgb(second));
  double hue_difference = std::abs(a.z - b.z);
  if (hue_difference > kPi) hue_difference = 2 * kPi - hue_difference;
  if (a.y > kSaturated && b.y > kSaturated && hue_difference > 0.33 * kPi) {
    const Vec3d white{std::max({a.x, b.x, kWhiteMagnitude}), 0, 0};
    (t < 0.5 ? b : a) = white;
    t = t < 0.5 ? 2 * t : 2 * t - 1;
  }
  if (a.y < kSaturated && b.y > kSaturated) {
    a.z = adjusted_hue(b, a.x);
  } else if (b.y < kSaturated && a.y > kSaturated) {
    b.z = adjusted_hue(a, b.x);
  }
  return srgb_from_lab(lab_from_msh(lerp(a, b, t)));
}

}  // namespace

Vec3f interpolate_color(ColorSpace space, Vec3f first, Vec3f second, double t) {
  const Vec3d a{first.x, first.y, first.z}, b{second.x, second.y, second.z};
  Vec3d color{};
  switch (space) {
    case ColorSpace::kRgb: color = lerp(a, b, t); break;
    case ColorSpace::kHsv: color = interpolate_hsv(a, b, t); break;
    case ColorSpace::kLab: color = srgb_from_lab(lerp(lab_from_srgb(a), lab_from_srgb(b), t)); break;
    case ColorSpace::kDiverging: color = interpolate_diverging(a, b, t); break;
  }
  Vec3f srgb{};
  for (int c = 0; c < 3; ++c) srgb[c] = static_cast<float>(std::clamp(color[c], 0.0, 1.0));
  return srgb;
}

}  // namespace renderfm::tf
