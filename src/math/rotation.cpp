#include "renderfm/math/rotation.h"

#include <algorithm>
#include <cmath>

namespace renderfm {

Mat3d rotation_from_quaternion(const Quaternion& wxyz) {
  double length = 0;
  for (const double part : wxyz) length += part * part;
  length = std::sqrt(length);
  if (!(length > 0)) return Mat3d::identity();
  const double w = wxyz[0] / length, x = wxyz[1] / length, y = wxyz[2] / length, z = wxyz[3] / length;
  return {{{1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)},
           {2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)},
           {2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)}}};
}

Quaternion quaternion_from_rotation(const Mat3d& r) {
  // The largest of w, x, y, z is computed first, so nothing small is ever divided by.
  const std::array<double, 4> four_squares{1 + r[0][0] + r[1][1] + r[2][2], 1 + r[0][0] - r[1][1] - r[2][2],
                                           1 - r[0][0] + r[1][1] - r[2][2], 1 - r[0][0] - r[1][1] + r[2][2]};
  const auto largest = std::max_element(four_squares.begin(), four_squares.end()) - four_squares.begin();
  const double root = 0.5 * std::sqrt(four_squares[largest]);
  const double scale = 0.25 / root;
  const double wx = (r[2][1] - r[1][2]) * scale, wy = (r[0][2] - r[2][0]) * scale,
               wz = (r[1][0] - r[0][1]) * scale;
  const double xy = (r[1][0] + r[0][1]) * scale, xz = (r[0][2] + r[2][0]) * scale,
               yz = (r[2][1] + r[1][2]) * scale;
  Quaternion q{};
  switch (largest) {
    case 0: q = {root, wx, wy, wz}; break;
    case 1: q = {wx, root, xy, xz}; break;
    case 2: q = {wy, xy, root, yz}; break;
    default: q = {wz, xz, yz, root}; break;
  }
  if (q[0] < 0) {
    for (double& part : q) part = -part;
  }
  return q;
}

PrincipalAxes principal_axes(const Mat3d& symmetric) {
  Mat3d m = symmetric;
  Mat3d axes = Mat3d::identity();
  constexpr int kMaxSweeps = 32;
  for (int sweep = 0; sweep < kMaxSweeps; ++sweep) {
    const double off = m[0][1] * m[0][1] + m[0][2] * m[0][2] + m[1][2] * m[1][2];
    if (!(off > 0)) break;
    for (int p = 0; p < 2; ++p) {
      for (int q = p + 1; q < 3; ++q) {
        if (m[p][q] == 0) continue;
        const double ratio = (m[q][q] - m[p][p]) / (2 * m[p][q]);
        const double tangent = std::copysign(1.0, ratio) / (std::abs(ratio) + std::hypot(ratio, 1.0));
        const double cosine = 1 / std::hypot(tangent, 1.0), sine = tangent * cosine;
        for (int k = 0; k < 3; ++k) {
          const double kp = m[k][p], kq = m[k][q];
          m[k][p] = cosine * kp - sine * kq;
          m[k][q] = sine * kp + cosine * kq;
        }
        for (int k = 0; k < 3; ++k) {
          const double pk = m[p][k], qk = m[q][k];
          m[p][k] = cosine * pk - sine * qk;
          m[q][k] = sine * pk + cosine * qk;
          const double ap = axes[k][p], aq = axes[k][q];
          axes[k][p] = cosine * ap - sine * aq;
          axes[k][q] = sine * ap + cosine * aq;
        }
        m[p][q] = m[q][p] = 0;
      }
    }
  }
  if (determinant(axes) < 0) {
    for (int k = 0; k < 3; ++k) axes[k][2] = -axes[k][2];
  }
  return {{m[0][0], m[1][1], m[2][2]}, axes};
}

bool cholesky(const Mat3d& m, Mat3d& lower) {
  lower = {};
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j <= i; ++j) {
      double sum = m[i][j];
      for (int k = 0; k < j; ++k) sum -= lower[i][k] * lower[j][k];
      if (i == j) {
        if (!(sum > 0)) return false;
        lower[i][i] = std::sqrt(sum);
      } else {
        lower[i][j] = sum / lower[j][j];
      }
    }
  }
  return true;
}

}  // namespace renderfm
