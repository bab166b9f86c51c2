// Raw network channels <-> Gaussian parameters: both directions of the activation, in one place.
#pragma once

#include <cmath>

#include "renderfm/gaussian/layout.h"
#include "renderfm/math/vec.h"

namespace renderfm::layout {

inline constexpr double kMinLogDiagonalA = -4.6, kMaxLogDiagonalA = 2.3;
inline constexpr double kMinDiagonalC = 0.05, kMaxDiagonalC = 4;  ///< voxels

template <class T>
RFM_HD T clamp(T value, T low, T high) {
  return value < low ? low : (high < value ? high : value);
}

template <class T>
RFM_HD T sigmoid(T x) {
  using std::exp;
  return T(1) / (T(1) + exp(-x));
}

template <class T>
RFM_HD T logit(T p) {
  using std::log;
  return log(p / (T(1) - p));
}

/// Everything of a Gaussian but its centre and its direction mean and SH, which are the same raw and
/// activated.
template <class T>
struct Shape {
  T opacity;
  T chol[kCholCount];  ///< values; p rows in mm
};

/// raw[kChannels] of a voxel with spacing (x, y, z) mm. The p rows of L are in voxels before, in mm after.
template <class T>
RFM_HD Shape<T> activate(const T* raw, Vec3<T> spacing_xyz_mm) {
  using std::exp;
  using std::log;
  Shape<T> shape;
  shape.opacity = sigmoid(raw[kOpacityLogit]);
  const T* chol = raw + kChol;
  for (int row = 0; row < 6; ++row) {
    const T unit = row < 3 ? T(1) : spacing_xyz_mm[row - 3];
    for (int column = 0; column < row; ++column) {
      shape.chol[chol_index(row, column)] = chol[chol_index(row, column)] * unit;
    }
    const T log_diagonal =
        row < 3 ? clamp(chol[chol_index(row, row)], T(kMinLogDiagonalA), T(kMaxLogDiagonalA))
                : clamp(chol[chol_index(row, row)], T(log(T(kMinDiagonalC))), T(log(T(kMaxDiagonalC))));
    shape.chol[chol_index(row, row)] = exp(log_diagonal) * unit;
  }
  return shape;
}

/// The inverse of activate() within its clamps; opacity must lie in (0, 1), diagonals must be positive.
template <class T>
RFM_HD void deactivate(const Shape<T>& shape, Vec3<T> spacing_xyz_mm, T* raw) {
  using std::log;
  raw[kOpacityLogit] = logit(shape.opacity);
  for (int row = 0; row < 6; ++row) {
    const T unit = row < 3 ? T(1) : spacing_xyz_mm[row - 3];
    for (int column = 0; column < row; ++column) {
      raw[kChol + chol_index(row, column)] = shape.chol[chol_index(row, column)] / unit;
    }
    raw[kChol + chol_index(row, row)] = log(shape.chol[chol_index(row, row)] / unit);
  }
}

}  // namespace renderfm::layout
