// Small vectors and matrices for shared CPU and GPU code: C++17, no dependencies, templated on the scalar.
#pragma once

#include <cmath>

#include "renderfm/math/hd.h"

namespace renderfm {

template <class T>
struct Vec3 {
  T x, y, z;
  RFM_HD T& operator[](int i) { return i == 0 ? x : (i == 1 ? y : z); }
  RFM_HD const T& operator[](int i) const { return i == 0 ? x : (i == 1 ? y : z); }
};
using Vec3f = Vec3<float>;
using Vec3d = Vec3<double>;

template <class T>
RFM_HD Vec3<T> operator+(Vec3<T> a, Vec3<T> b) {
  return {a.x + b.x, a.y + b.y, a.z + b.z};
}
template <class T>
RFM_HD Vec3<T> operator-(Vec3<T> a, Vec3<T> b) {
  return {a.x - b.x, a.y - b.y, a.z - b.z};
}
template <class T>
RFM_HD Vec3<T> operator-(Vec3<T> a) {
  return {-a.x, -a.y, -a.z};
}
template <class T>
RFM_HD Vec3<T> operator*(Vec3<T> a, T s) {
  return {a.x * s, a.y * s, a.z * s};
}
template <class T>
RFM_HD Vec3<T> operator*(T s, Vec3<T> a) {
  return a * s;
}
/// Component by component.
template <class T>
RFM_HD Vec3<T> operator*(Vec3<T> a, Vec3<T> b) {
  return {a.x * b.x, a.y * b.y, a.z * b.z};
}
template <class T>
RFM_HD T dot(Vec3<T> a, Vec3<T> b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}
template <class T>
RFM_HD Vec3<T> cross(Vec3<T> a, Vec3<T> b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
template <class T>
RFM_HD T norm(Vec3<T> a) {
  using std::sqrt;
  return sqrt(dot(a, a));
}
/// The zero vector has no direction: the caller checks.
template <class T>
RFM_HD Vec3<T> normalised(Vec3<T> a) {
  return a * (T(1) / norm(a));
}

/// Row-major: m[row][column].
template <class T>
struct Mat3 {
  T m[3][3];
  RFM_HD T* operator[](int row) { return m[row]; }
  RFM_HD const T* operator[](int row) const { return m[row]; }
  RFM_HD Vec3<T> column(int j) const { return {m[0][j], m[1][j], m[2][j]}; }
  RFM_HD static Mat3 identity() { return {{{T(1), T(0), T(0)}, {T(0), T(1), T(0)}, {T(0), T(0), T(1)}}}; }
};
using Mat3f = Mat3<float>;
using Mat3d = Mat3<double>;

template <class T>
RFM_HD Vec3<T> operator*(const Mat3<T>& a, Vec3<T> v) {
  return {a[0][0] * v.x + a[0][1] * v.y + a[0][2] * v.z, a[1][0] * v.x + a[1][1] * v.y + a[1][2] * v.z,
          a[2][0] * v.x + a[2][1] * v.y + a[2][2] * v.z};
}
template <class T>
RFM_HD Mat3<T> operator*(const Mat3<T>& a, const Mat3<T>& b) {
  Mat3<T> c{};
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) c[i][j] = a[i][0] * b[0][j] + a[i][1] * b[1][j] + a[i][2] * b[2][j];
  }
  return c;
}
template <class T>
RFM_HD Mat3<T> transposed(const Mat3<T>& a) {
  Mat3<T> t{};
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) t[i][j] = a[j][i];
  }
  return t;
}
template <class T>
RFM_HD T determinant(const Mat3<T>& a) {
  return dot(a.column(0), cross(a.column(1), a.column(2)));
}
/// The determinant must not be zero: the caller checks.
template <class T>
RFM_HD Mat3<T> inverse(const Mat3<T>& a) {
  const Vec3<T> c0 = a.column(0), c1 = a.column(1), c2 = a.column(2);
  const T scale = T(1) / determinant(a);
  const Vec3<T> r0 = cross(c1, c2) * scale, r1 = cross(c2, c0) * scale, r2 = cross(c0, c1) * scale;
  return {{{r0.x, r0.y, r0.z}, {r1.x, r1.y, r1.z}, {r2.x, r2.y, r2.z}}};
}

}  // namespace renderfm
