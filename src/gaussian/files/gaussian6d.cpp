#include "gaussian/files/gaussian6d.h"

#include <algorithm>
#include <cmath>

namespace renderfm {
namespace {

bool is_finite(float value) { return std::isfinite(value); }

bool is_lower(const Mat3d& m) { return m[0][1] == 0 && m[0][2] == 0 && m[1][2] == 0; }

}  // namespace

bool transform(Gaussian6d& g, const Mat3d& rotation, double scale) {
  g.position = rotation * g.position * scale;
  g.direction_mean = rotation * g.direction_mean;
  // The linear part of SH is a dot product of the direction with (-c3, -c1, c2), which turns like a vector.
  for (std::size_t channel = 0; channel < 3; ++channel) {
    const Vec3d turned = rotation * Vec3d{-g.sh[9 + channel], -g.sh[3 + channel], g.sh[6 + channel]};
    g.sh[3 + channel] = -turned.y;
    g.sh[6 + channel] = turned.z;
    g.sh[9 + channel] = -turned.x;
  }
  // A' = R A Q with the rotation Q that makes it lower triangular again; u turns by Qᵀ, so B' = R B Q.
  const Mat3d turned_a = rotation * g.a, turned_c = rotation * g.c;
  Mat3d a{}, c{};
  if (!cholesky(turned_a * transposed(turned_a), a) || !cholesky(turned_c * transposed(turned_c), c))
    return false;
  g.b = rotation * g.b * inverse(turned_a) * a;
  g.a = a;
  g.c = c;
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) {
      g.b[row][column] *= scale;
      g.c[row][column] *= scale;
    }
  }
  return true;
}

bool into_frame(Gaussian6d& gaussian, const FileFrame& frame) {
  return transform(gaussian, frame.from_lps, 1 / frame.unit_mm);
}

bool out_of_frame(Gaussian6d& gaussian, const FileFrame& frame) {
  return transform(gaussian, transposed(frame.from_lps), frame.unit_mm);
}

bool set_extent(Gaussian6d& gaussian, const Quaternion& wxyz, Vec3d sigma) {
  constexpr double kFlattest = 1e-4;
  const double largest = std::max({sigma.x, sigma.y, sigma.z});
  // The square of a float in double neither overflows nor vanishes; a NaN fails the comparison.
  if (!(largest > 0) || !(sigma.x + sigma.y + sigma.z < 1e38)) return false;
  const Mat3d rotation = rotation_from_quaternion(wxyz);
  Mat3d scaled = rotation;
  for (int axis = 0; axis < 3; ++axis) {
    for (int row = 0; row < 3; ++row) scaled[row][axis] *= std::max(sigma[axis], kFlattest * largest);
  }
  return cholesky(scaled * transposed(scaled), gaussian.c);
}

PrincipalAxes extent_of(const Gaussian6d& gaussian) {
  return principal_axes(gaussian.c * transposed(gaussian.c));
}

void resize(GaussianRows& rows, std::int64_t count) {
  const auto n = static_cast<std::size_t>(count);
  rows.position_mm.resize(3 * n);
  rows.sh.resize(layout::kShCount * n);
  rows.opacity.resize(n);
  rows.direction_mean.resize(3 * n);
  rows.chol.resize(layout::kCholCount * n);
  rows.label.resize(n);
}

Gaussian6d load(const GaussianColumns& columns, std::int64_t n) {
  Gaussian6d g;
  const auto wide = [](float value) { return static_cast<double>(value); };
  const float* const l = columns.chol + n * layout::kCholCount;
  for (int k = 0; k < layout::kShCount; ++k) {
    g.sh[static_cast<std::size_t>(k)] = wide(columns.sh[n * layout::kShCount + k]);
  }
  for (int row = 0; row < 3; ++row) {
    g.position[row] = wide(columns.position_mm[3 * n + row]);
    g.direction_mean[row] = wide(columns.direction_mean[3 * n + row]);
    for (int column = 0; column < 3; ++column) {
      g.a[row][column] = column <= row ? wide(l[layout::a_index(row, column)]) : 0;
      g.c[row][column] = column <= row ? wide(l[layout::c_index(row, column)]) : 0;
      g.b[row][column] = wide(l[layout::b_index(row, column)]);
    }
  }
  g.opacity = wide(columns.opacity[n]);
  g.label = columns.label != nullptr ? columns.label[n] : std::uint8_t{0};
  return g;
}

bool store(const Gaussian6d& g, GaussianRows& rows, std::int64_t n) {
  const auto at = static_cast<std::size_t>(n);
  float* const l = rows.chol.data() + at * layout::kCholCount;
  bool good = is_lower(g.a) && is_lower(g.c);
  for (int row = 0; row < 3; ++row) {
    rows.position_mm[3 * at + static_cast<std::size_t>(row)] = static_cast<float>(g.position[row]);
    rows.direction_mean[3 * at + static_cast<std::size_t>(row)] = static_cast<float>(g.direction_mean[row]);
    for (int column = 0; column < 3; ++column) {
      if (column <= row) {
        l[layout::a_index(row, column)] = static_cast<float>(g.a[row][column]);
        l[layout::c_index(row, column)] = static_cast<float>(g.c[row][column]);
      }
      l[layout::b_index(row, column)] = static_cast<float>(g.b[row][column]);
    }
    good = good && l[layout::a_index(row, row)] > 0 && l[layout::c_index(row, row)] > 0;
  }
  float* const sh = rows.sh.data() + at * layout::kShCount;
  for (std::size_t k = 0; k < g.sh.size(); ++k) sh[k] = static_cast<float>(g.sh[k]);
  rows.opacity[at] = static_cast<float>(std::clamp(g.opacity, kLeastOpacity, kGreatestOpacity));
  rows.label[at] = g.label;
  return good && std::isfinite(g.opacity) && std::all_of(l, l + layout::kCholCount, is_finite) &&
         std::all_of(sh, sh + layout::kShCount, is_finite) &&
         std::all_of(&rows.position_mm[3 * at], &rows.position_mm[3 * at] + 3, is_finite) &&
         std::all_of(&rows.direction_mean[3 * at], &rows.direction_mean[3 * at] + 3, is_finite);
}

Mat3d lower_from(const std::array<double, 6>& entries) {
  return {{{entries[0], 0, 0}, {entries[1], entries[2], 0}, {entries[3], entries[4], entries[5]}}};
}

}  // namespace renderfm
